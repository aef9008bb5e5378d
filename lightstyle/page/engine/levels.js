// Coarse to fine: the sizes at which a picture is painted, one after the other.

import { contract, levels as method } from "./constants.js";
import { clippedPlanes, resampledPlanes } from "./picture.js";
import { area, rounded } from "./sizes.js";

/**
 * Plan the levels of a run, the coarsest first.
 *
 * @param size width and height of the result
 * @param iterations evaluations of the whole run
 * @param pyramid whether it goes from coarse to fine
 * @param corrected whether there are two levels of the final size, with other weights
 * @returns {{size: number[], until: number}[]} sizes, and the evaluation each ends after
 */
export function planned(size, iterations, pyramid, corrected) {
  const count = pyramid
    ? Math.max(1, Math.min(halvings(size) + 1, Math.floor(iterations / method.LEAST)))
    : 1;
  const ends = untils(count, iterations);
  const made = ends.map((until, index) => {
    const halved = count - 1 - index;
    return { size: halved ? reduced(size, 2 ** halved) : size, until };
  });
  const [last, begun] = [ends.at(-1), count > 1 ? ends.at(-2) : 0];
  if (corrected && last - begun >= 2 * method.LEAST)
    made.splice(-1, 0, { size, until: begun + rounded((last - begun) * method.FIRST) });
  return made;
}

/** The size of the coarsest level that a picture of `size` can have. */
export function coarsest(size) {
  const halved = halvings(size);
  return halved ? reduced(size, 2 ** halved) : size;
}

/**
 * Enlarge a level's picture to start the next one: its change of the content, if that is
 * given at both sizes, or else itself.
 */
export function finer(best, size, next, content, nextContent) {
  if (!content) return clippedPlanes(resampledPlanes(best, size, next));
  const change = resampledPlanes(best.map((level, i) => level - content[i]), size, next);
  return clippedPlanes(nextContent.map((level, i) => level + change[i]));
}

/**
 * Estimate the seconds of all evaluations that are left; NaN before the first of a level.
 *
 * @param levels the plan
 * @param index the present level
 * @param seconds of each evaluation of the level so far
 * @param done evaluations of the whole run so far
 */
export function secondsLeft(levels, index, seconds, done) {
  const recent = seconds.length > 1 ? seconds.slice(1) : seconds; // the first prepares
  const each = recent.reduce((sum, one) => sum + one, 0) / recent.length;
  let left = each * (levels[index].until - done);
  for (let next = index + 1; next < levels.length; next++) {
    const evaluations = levels[next].until - levels[next - 1].until;
    left += (each * evaluations * area(levels[next].size)) / area(levels[index].size);
  }
  return left;
}

/** Share evaluations among levels, each with `GAIN` times those of the next finer one. */
function untils(count, iterations) {
  const weights = Array.from({ length: count }, (_, index) => method.GAIN ** (count - 1 - index));
  const total = weights.reduce((sum, weight) => sum + weight);
  let done = 0;
  return weights.map((weight) => rounded((iterations * (done += weight)) / total));
}

/** How often a size may be halved, so that rounding hardly changes its proportions. */
function halvings(size) {
  let count = Math.max(0, rounded(Math.log2(Math.max(...size) / method.COARSEST)));
  const narrow = Math.max(contract.MINIMUM_SIDE, 3 * method.MULTIPLE);
  while (count && Math.min(...size) / 2 ** count < narrow) count--;
  return count;
}

function reduced(size, factor) {
  return size.map(
    (side) => method.MULTIPLE * Math.max(1, rounded(side / factor / method.MULTIPLE)),
  );
}
