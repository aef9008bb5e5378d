// Pictures as the network sees them: planes of levels, with alpha set aside.
//
// A raw picture is what was decoded: {size, rgba, opaque, extent, original}; `original` is its
// size in the file, and `extent` the size in pixels of `rgba` that stands for. A plain picture
// is {size, planes, alpha}: `planes` (3, h, w) of sRGB levels, 0…255, and `alpha` (h, w),
// 0…255, or null.

import { resampled } from "./resize.js";

const WHITE = 255;

const clipped = (level) => Math.min(255, Math.max(0, level));
const same = (one, other) => one[0] === other[0] && one[1] === other[1];

/** Whether a raw picture is opaque all over. */
export function isOpaque(rgba) {
  for (let at = 3; at < rgba.length; at += 4) if (rgba[at] < 255) return false;
  return true;
}

/**
 * A raw picture at a size, with an antialiased Lanczos filter. Colours are weighted with
 * alpha, so that transparent pixels do not bleed into visible ones; those that are
 * transparent all through are white.
 */
export function resized({ size: own, rgba, opaque, extent = own }, size) {
  const count = size[0] * size[1];
  const planes = new Float32Array(3 * count);
  if (opaque) {
    for (let c = 0; c < 3; c++)
      planes.set(resampled(rgba, own, size, extent, 4, c).map(clipped), c * count);
    return { size, planes, alpha: null };
  }
  const all = rgba.length / 4;
  const weighted = Array.from({ length: 4 }, () => new Float32Array(all));
  for (let i = 0, at = 0; i < all; i++, at += 4) {
    const opacity = Math.fround(rgba[at + 3] / 255);
    for (let c = 0; c < 3; c++)
      weighted[c][i] = (rgba[at + 3] ? rgba[at + c] : WHITE) * opacity;
    weighted[3][i] = opacity;
  }
  const [red, green, blue, opacity] = weighted.map((plane) =>
    resampled(plane, own, size, extent),
  );
  const alpha = new Float32Array(count);
  for (let i = 0; i < count; i++) {
    alpha[i] = clipped(opacity[i] * 255);
    const seen = alpha[i] >= 0.5;
    [red, green, blue].forEach((plane, c) => {
      planes[c * count + i] = seen ? clipped(plane[i] / opacity[i]) : WHITE;
    });
  }
  return { size, planes, alpha };
}

/** Planes of any values, (count, h, w), resampled with the same filter. */
export function resampledPlanes(planes, own, size) {
  if (same(own, size)) return planes;
  const [before, after] = [own[0] * own[1], size[0] * size[1]];
  const made = new Float32Array((planes.length / before) * after);
  for (let c = 0; c * before < planes.length; c++)
    made.set(resampled(planes.subarray(c * before, (c + 1) * before), own, size), c * after);
  return made;
}

/** Planes with every level within 0…255. */
export const clippedPlanes = (planes) => planes.map(clipped);

/** Planes and alpha as pixels for a canvas or a file, rounded to whole levels. */
export function toRgba(planes, alpha, [width, height]) {
  const count = width * height;
  const rgba = new Uint8ClampedArray(4 * count);
  for (let i = 0; i < count; i++) {
    for (let c = 0; c < 3; c++) rgba[4 * i + c] = planes[c * count + i];
    rgba[4 * i + 3] = alpha ? alpha[i] : 255;
  }
  return rgba;
}
