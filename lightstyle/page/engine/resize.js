// Pillow's Lanczos filter, tap for tap, so that pictures are those that Python sees.

const LOBES = 3;

const sinc = (x) => (x === 0 ? 1 : Math.sin(Math.PI * x) / (Math.PI * x));
const lanczos = (x) => (Math.abs(x) < LOBES ? sinc(x) * sinc(x / LOBES) : 0);

/**
 * For each of `length` outputs from `own` inputs: where its taps begin, and the taps.
 *
 * @param extent the length of the input, up to one less than `own` where the last is cut off
 */
function taps(own, length, extent) {
  const scale = extent / length;
  const wide = Math.max(scale, 1);
  const support = LOBES * wide;
  return Array.from({ length }, (_, index) => {
    const center = (index + 0.5) * scale;
    const begin = Math.max(0, Math.trunc(center - support + 0.5));
    const end = Math.min(own, Math.trunc(center + support + 0.5));
    const weights = new Float64Array(end - begin);
    let sum = 0;
    for (let i = 0; i < weights.length; i++)
      sum += weights[i] = lanczos((begin + i - center + 0.5) / wide);
    return { begin, weights: weights.map((weight) => weight / sum) };
  });
}

/**
 * Resample one channel: first along the lines, then across them, as Pillow does.
 *
 * @param source samples of any kind; that at x, y is `source[(y * own[0] + x) * stride + offset]`
 * @param own width and height
 * @param size width and height of the result
 * @param extent what of the source the result shows, up to a pixel less than `own`
 * @returns {Float32Array} its samples, which may overshoot the range of the source
 */
export function resampled(source, own, size, extent = own, stride = 1, offset = 0) {
  const [from, lines] = own;
  const [width, height] = size;
  const middle = new Float32Array(width * lines);
  if (from === width) {
    for (let i = 0, at = offset; i < middle.length; i++, at += stride) middle[i] = source[at];
  } else {
    taps(from, width, extent[0]).forEach(({ begin, weights }, x) => {
      for (let y = 0; y < lines; y++) {
        let sum = 0;
        let at = (y * from + begin) * stride + offset;
        for (let i = 0; i < weights.length; i++, at += stride) sum += weights[i] * source[at];
        middle[y * width + x] = sum;
      }
    });
  }
  if (lines === height) return middle;
  const made = new Float32Array(width * height);
  const row = new Float64Array(width);
  taps(lines, height, extent[1]).forEach(({ begin, weights }, y) => {
    row.fill(0);
    for (let i = 0; i < weights.length; i++) {
      const [weight, at] = [weights[i], (begin + i) * width];
      for (let x = 0; x < width; x++) row[x] += weight * middle[at + x];
    }
    made.set(row, y * width);
  });
  return made;
}
