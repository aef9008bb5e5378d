// How much of a content is lost in a picture, whatever its contrast and colours.

import { structure } from "./constants.js";

/**
 * Compute one minus the correlation of features with the content's, as losses/likeness.py.
 *
 * @param features features of the picture at a layer, (C, h, w)
 * @param reference features of the content
 * @param channels C
 * @returns 0 for the content itself, about 1 for a picture that has nothing of it
 */
export function lost(features, reference, channels) {
  const positions = features.length / channels;
  let [shared, own, others] = [0, 0, 0];
  for (let at = 0; at < features.length; at += positions) {
    const one = centred(features.subarray(at, at + positions));
    const other = centred(reference.subarray(at, at + positions));
    for (let i = 0; i < positions; i++) {
      shared += one[i] * other[i];
      own += one[i] ** 2;
      others += other[i] ** 2;
    }
  }
  const norm = Math.sqrt(own * others);
  return norm ? 1 - shared / norm : 0;
}

/** Subtract the mean of a channel; what rounding leaves is nothing. */
function centred(channel) {
  const mean = channel.reduce((sum, value) => sum + value, 0) / channel.length;
  const least = structure.NOTHING * Math.abs(mean);
  return Float64Array.from(channel, (value) =>
    Math.abs(value - mean) < least ? 0 : value - mean,
  );
}
