// The canvas of a picture: the picture in a mirrored frame, which is painted and then cut off.

import { frame } from "./constants.js";

/** Where line `index` of a mirrored picture of `length` lines comes from. */
function mirrored(index, length) {
  const period = 2 * (length - 1) || 1;
  const at = ((index % period) + period) % period;
  return at < length ? at : period - at;
}

/** The frame around pictures of a size, [width, height]; `canvas` is the size with it. */
export class Frame {
  constructor(size) {
    this.size = size;
    this.canvas = size.map(
      (side) => Math.ceil((side + 2 * frame.MARGIN) / frame.MULTIPLE) * frame.MULTIPLE,
    );
    [this.left, this.top] = this.canvas.map((side, axis) => (side - size[axis]) >> 1);
  }

  /** Planes (n, h, w) of a picture with a mirror image around each. */
  around(planes) {
    const [[width, height], [wide, high]] = [this.size, this.canvas];
    const columns = Int32Array.from({ length: wide }, (_, x) => mirrored(x - this.left, width));
    const made = new Float32Array((planes.length / (width * height)) * wide * high);
    for (let from = 0, to = 0; from < planes.length; from += width * height)
      for (let y = 0; y < high; y++) {
        const row = from + mirrored(y - this.top, height) * width;
        for (let x = 0; x < wide; x++) made[to++] = planes[row + columns[x]];
      }
    return made;
  }

  /** The picture in planes (n, h, w) of a canvas. */
  inside(canvas) {
    const [[width, height], [wide, high]] = [this.size, this.canvas];
    const made = new Float32Array((canvas.length / (wide * high)) * width * height);
    for (let from = 0, to = 0; from < canvas.length; from += wide * high)
      for (let y = 0; y < height; y++, to += width) {
        const at = from + (y + this.top) * wide + this.left;
        made.set(canvas.subarray(at, at + width), to);
      }
    return made;
  }
}
