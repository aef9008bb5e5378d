// Sizes of pictures, [width, height], as Python computes them.

import { contract } from "./constants.js";
import { Problem } from "./problem.js";

/** Round halves to even, as Python does. */
export function rounded(value) {
  const floor = Math.floor(value);
  const up = value - floor > 0.5 || (value - floor === 0.5 && floor % 2 !== 0);
  return floor + (up ? 1 : 0);
}

export const named = ([width, height]) => `${width}x${height}`;
export const area = ([width, height]) => width * height;

/** The shape of a canvas as the graphs have it. */
export const dimsOf = ([width, height]) => [1, 3, height, width];

/**
 * The size at which a picture's longest side is `longest`; its own if it is smaller and not
 * to be enlarged.
 */
export function fittedSize(own, longest, enlarge, role) {
  let scale = longest / Math.max(...own);
  if (!enlarge) scale = Math.min(scale, 1);
  const size = own.map((side) => Math.max(1, rounded(side * scale)));
  const least = contract.MINIMUM_SIDE;
  if (Math.min(...size) >= least) return size;
  const [given, needed] = [own.join("×"), Math.ceil((least * Math.max(...own)) / Math.min(...own))];
  if (!enlarge && Math.min(...own) < least)
    throw new Problem(
      "picture",
      `${role}: ${given} pixels, expected sides of at least ${least}; ` +
        "choose a larger picture, or have it enlarged",
    );
  throw new Problem(
    "settings",
    `${role}: ${given} pixels would become ${size.join("×")}, expected sides of at least ` +
      `${least}; choose a size of ${needed} or more`,
  );
}
