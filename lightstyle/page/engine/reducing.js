// Reads large pictures at a reduced scale, where a run needs no more: of squares of pixels
// the means are taken, in bands, as images/reducing.py does.

import { contract, images } from "./constants.js";
import { area } from "./sizes.js";

/** Pixels of a band. */
const BAND = 1e6;

/** By how much the sides of a picture are divided, if `longest` pixels are needed. */
export function factor(own, longest) {
  if (area(own) <= images.WHOLE) return 1;
  const least = contract.MINIMUM_SIDE;
  const most = Math.max(...own) / (images.SPARE * Math.max(longest, least));
  return Math.max(1, Math.floor(Math.min(most, Math.min(...own) / (images.SPARE * least))));
}

/** Return the means of squares of `by` × `by` pixels of a bitmap: {size, rgba}. */
export function reduced(bitmap, by) {
  const { width, height } = bitmap;
  const size = [Math.ceil(width / by), Math.ceil(height / by)];
  const rows = by * Math.max(1, Math.floor(BAND / (width * by)));
  const canvas = new OffscreenCanvas(width, rows);
  const context = canvas.getContext("2d", { colorSpace: "srgb", willReadFrequently: true });
  const rgba = new Uint8ClampedArray(4 * area(size));
  for (let top = 0; top < height; top += rows) {
    context.clearRect(0, 0, width, rows);
    context.drawImage(bitmap, 0, -top);
    const lines = Math.min(rows, height - top);
    const { data } = context.getImageData(0, 0, width, lines);
    addMeans(data, [width, lines], by, rgba.subarray((4 * size[0] * top) / by), size[0]);
  }
  return { size, rgba };
}

/** Write the means of a band, in which colours count as much as they are opaque. */
function addMeans(data, [width, lines], by, means, columns) {
  const sums = new Float64Array(4 * columns);
  for (let first = 0, to = 0; first < lines; first += by) {
    sums.fill(0);
    const end = Math.min(first + by, lines);
    for (let y = first, at = 4 * first * width; y < end; y++)
      for (let x = 0; x < width; x++, at += 4) {
        const [into, alpha] = [4 * Math.floor(x / by), data[at + 3]];
        for (let c = 0; c < 3; c++) sums[into + c] += alpha * data[at + c];
        sums[into + 3] += alpha;
      }
    for (let x = 0; x < columns; x++, to += 4) {
      const whole = sums[4 * x + 3];
      for (let c = 0; c < 3; c++) means[to + c] = whole ? sums[4 * x + c] / whole : 255;
      means[to + 3] = whole / ((end - first) * Math.min(by, width - x * by));
    }
  }
}
