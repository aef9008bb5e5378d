// The history of L-BFGS: the last steps, and the changes of the gradient along them.
//
// It is kept as the step's graph keeps it (export/optimizer/history.py says why): pairs are
// scaled to sᵀy = 1, R⁻¹ is kept instead of R, and rows of a picture lie beside the pairs,
// (3, H, M, W). So a run that was begun with the one goes on with the other.

import { optimizer } from "./constants.js";

export class History {
  /**
   * @param steps, changes (3, H, M, W); they are changed
   * @param inverse (M, M), R⁻¹ by slot; it is changed
   * @param count number of pairs since all was forgotten
   * @param width W
   */
  constructor(steps, changes, inverse, count, width) {
    Object.assign(this, { steps, changes, inverse, count, width });
    this.slots = Math.sqrt(inverse.length);
  }

  /** Number of pairs that are held; one slot more is the graph's for pairs it refuses. */
  get held() {
    return Math.min(this.count, this.slots - 1);
  }

  /** Forget all pairs. */
  forget() {
    this.inverse.fill(0);
    this.count = 0;
  }

  /**
   * Remember a pair in place of the oldest, if its curvature is positive.
   *
   * @returns {number} the inner product of the two, or 0 if the pair was refused
   */
  add(step, change) {
    const curvature = dot(step, change);
    const lengths = Math.sqrt(dot(step, step)) * Math.sqrt(dot(change, change));
    if (!(curvature > optimizer.LEAST_COSINE * lengths)) return 0;
    const { slots, inverse } = this;
    const slot = this.count % (slots - 1);
    const scale = 1 / Math.sqrt(curvature);
    this.#write(this.steps, slot, step, scale);
    this.#write(this.changes, slot, change, scale);
    this.count++;
    for (let other = 0; other < slots; other++)
      inverse[slot * slots + other] = inverse[other * slots + slot] = 0;
    const products = this.#products(this.steps, change).map((value) => value * scale);
    const column = this.#times(products);
    for (let row = 0; row < slots; row++) inverse[row * slots + slot] = -column[row];
    inverse[slot * slots + slot] = 1;
    return curvature;
  }

  /**
   * Return H g: H₀ q + S R⁻ᵀ (p − Yᵀ H₀ q), p = R⁻¹ Sᵀ g, q = g − Y p.
   *
   * @param gradient the picture g
   * @param initial multiplies a picture by H₀
   */
  inverseHessian(gradient, initial) {
    if (!this.count) return initial(gradient);
    const along = this.#times(this.#products(this.steps, gradient));
    const remainder = this.#combined(gradient, this.changes, along.map((value) => -value));
    const product = initial(remainder);
    const curved = this.#products(this.changes, product);
    const weights = this.#timesTransposed(along.map((value, slot) => value - curved[slot]));
    return this.#combined(product, this.steps, weights);
  }

  #write(pairs, slot, picture, scale) {
    const { slots, width } = this;
    for (let from = 0, to = slot * width; from < picture.length; to += slots * width)
      for (let x = 0; x < width; x++) pairs[to + x] = picture[from++] * scale;
  }

  /** The inner product of each slot with a picture. */
  #products(pairs, picture) {
    const { slots, width, held } = this;
    const sums = new Float64Array(slots);
    for (let from = 0, at = 0; from < picture.length; from += width, at += slots * width)
      for (let slot = 0; slot < held; slot++)
        sums[slot] += dot(pairs, picture, at + slot * width, from, width);
    return sums;
  }

  /** A picture plus the slots times weights; four slots at a time, for speed. */
  #combined(picture, pairs, weights) {
    const { slots, width, held } = this;
    const made = picture.slice();
    for (let slot = 0; slot < held; slot += 4) {
      const own = [0, 1, 2, 3].map((more) => Math.min(slot + more, slots - 1));
      const [a, b, c, d] = own.map((each) => each * width);
      const [u, v, w, z] = own.map((each, more) => (slot + more < held ? weights[each] : 0));
      for (let to = 0, at = 0; to < made.length; to += width, at += slots * width)
        for (let x = 0, i = at; x < width; x++, i++)
          made[to + x] +=
            u * pairs[a + i] + v * pairs[b + i] + w * pairs[c + i] + z * pairs[d + i];
    }
    return made;
  }

  #times(vector) {
    const { slots, inverse } = this;
    return vector.map((_, row) =>
      vector.reduce((sum, value, column) => sum + inverse[row * slots + column] * value, 0),
    );
  }

  #timesTransposed(vector) {
    const { slots, inverse } = this;
    return vector.map((_, column) =>
      vector.reduce((sum, value, row) => sum + inverse[row * slots + column] * value, 0),
    );
  }
}

/** The inner product of two pictures, or of `length` values of each. */
export function dot(one, other, i = 0, j = 0, length = one.length) {
  let a = 0, b = 0, c = 0, d = 0; // four sums, none of which waits for another
  const end = i + length;
  for (const whole = end - 3; i < whole; i += 4, j += 4) {
    a += one[i] * other[j];
    b += one[i + 1] * other[j + 1];
    c += one[i + 2] * other[j + 2];
    d += one[i + 3] * other[j + 3];
  }
  for (; i < end; i++, j++) a += one[i] * other[j];
  return a + b + (c + d);
}
