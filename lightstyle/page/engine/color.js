// The colours that the network sees, and those of the result, as images/color.py: with
// "content-chroma" the network sees grey pictures, and the result takes its lightness from
// the transfer and its chroma from the content.

import { images, palettes } from "./constants.js";
import { fromOklab, greyLevel, isColor, nearestColor, toOklab } from "./oklab.js";

const CHROMA = "content-chroma";

/** Return the planes of a content as the network sees them. */
export const asContent = (choice, picture) =>
  choice === CHROMA ? grey(picture.planes) : picture.planes;

/** Return the planes of a style as the network sees them, for a content of that size. */
export function asStyle(choice, style, content) {
  if (choice !== CHROMA) return style.planes;
  const [own, wanted] = [style, content].map(({ planes, alpha }) => spread(grey(planes), alpha));
  // A style without contrast stays without.
  const isFlat = Math.sqrt(3) * own.deviation <= palettes.NOISE;
  const factor = isFlat ? 0 : wanted.deviation / own.deviation;
  return grey(style.planes).map((level) => (level - own.mean) * factor + wanted.mean);
}

/**
 * Give the result its final colours.
 *
 * @param planes of the result, 0…255
 * @param content of that size
 * @returns {{planes, notes: string[]}} and what the user should know of them
 */
export function finished(choice, planes, content) {
  if (choice !== CHROMA) return { planes, notes: [] };
  const count = planes.length / 3;
  const made = new Float32Array(planes.length);
  let clipped = 0;
  for (let i = 0; i < count; i++) {
    const [lightness] = toOklab(colorAt(planes, i));
    const [, a, b] = toOklab(colorAt(content.planes, i));
    let lab = [lightness, a, b];
    if (!isColor(lab)) {
      lab = nearestColor(lab);
      clipped++;
    }
    fromOklab(lab).forEach((level, c) => {
      made[c * count + i] = Math.min(255, Math.max(0, level));
    });
  }
  const share = ((100 * clipped) / count).toFixed(1);
  const note =
    `${share} % of the pixels were clipped: sRGB has less chroma than the content at their ` +
    "lightness";
  return { planes: made, notes: [note] };
}

/** Convert planes to grey of the same lightness. */
function grey(planes) {
  const count = planes.length / 3;
  const made = new Float32Array(planes.length);
  for (let i = 0; i < count; i++) {
    const [lightness] = toOklab(colorAt(planes, i));
    made[i] = made[count + i] = made[2 * count + i] = greyLevel(lightness);
  }
  return made;
}

function colorAt(planes, i) {
  const count = planes.length / 3;
  return [planes[i], planes[count + i], planes[2 * count + i]];
}

/** Mean and deviation of grey planes, of the opaque pixels, or of all if there are none. */
function spread(planes, alpha) {
  const levels = planes.subarray(0, planes.length / 3);
  const seen = alpha ? levels.filter((_, i) => alpha[i] >= images.SEEN) : levels;
  const counted = seen.length ? seen : levels;
  const mean = counted.reduce((sum, level) => sum + level, 0) / counted.length;
  const squares = counted.reduce((sum, level) => sum + (level - mean) ** 2, 0);
  return { mean, deviation: Math.sqrt(squares / counted.length) };
}
