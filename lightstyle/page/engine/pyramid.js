// Makes the pixels of a picture easier to optimise, as optimize/preconditioner.py does: the
// map A adds up corrections at every scale, and A Aᵀ is the initial inverse Hessian.

import { preconditioner } from "./constants.js";

const half = (length) => (length + 1) >> 1;

export class Pyramid {
  /** @param size width and height of the picture, which has three planes */
  constructor([width, height]) {
    this.sizes = [[width, height]];
    this.gains = [1];
    for (;;) {
      const next = this.sizes.at(-1).map(half);
      if (Math.min(...next) < preconditioner.COARSEST_SIDE) break;
      this.sizes.push(next);
      this.gains.push(this.gains.at(-1) * preconditioner.GAIN ** 2);
    }
  }

  /** A Aᵀ v of a picture, (3, h, w). */
  product(picture) {
    const levels = this.#levels(picture);
    let total = scaled(levels.at(-1), this.gains.at(-1));
    for (let level = levels.length - 2; level >= 0; level--) {
      const [[wide, high], [width, height]] = [this.sizes[level + 1], this.sizes[level]];
      total = doubled(doubled(total, 3 * high, wide, width, 1), 3, high, height, width);
      const [gain, own] = [this.gains[level], levels[level]];
      for (let i = 0; i < total.length; i++) total[i] += gain * own[i];
    }
    return total;
  }

  /** ‖Aᵀ v‖². */
  squares(picture) {
    const add = (sum, level, index) =>
      sum + this.gains[index] * level.reduce((all, value) => all + value * value, 0);
    return this.#levels(picture).reduce(add, 0);
  }

  /** A picture, halved again and again: Aᵀ v without the gains. */
  #levels(picture) {
    const levels = [picture];
    for (const [width, height] of this.sizes.slice(0, -1)) {
      const narrow = halved(levels.at(-1), 3 * height, width, 1);
      levels.push(halved(narrow, 3, height, half(width)));
    }
    return levels;
  }
}

const scaled = (values, factor) => values.map((value) => value * factor);

/** Enlarge an axis bilinearly from `own` to `length`, which is twice as long or one less. */
function doubled(coarse, outer, own, length, inner) {
  const fine = new Float32Array(outer * length * inner);
  for (let o = 0, to = 0; o < outer; o++)
    for (let i = 0; i < length; i++) {
      const near = i >> 1;
      const far = i % 2 ? Math.min(near + 1, own - 1) : Math.max(near - 1, 0);
      const [at, beside] = [(o * own + near) * inner, (o * own + far) * inner];
      for (let x = 0; x < inner; x++)
        fine[to++] = 0.75 * coarse[at + x] + 0.25 * coarse[beside + x];
    }
  return fine;
}

/** Apply the adjoint of `doubled` to an axis of a length. */
function halved(fine, outer, length, inner) {
  const own = half(length);
  const coarse = new Float32Array(outer * own * inner);
  for (let o = 0; o < outer; o++)
    for (let i = 0; i < length; i++) {
      const near = i >> 1;
      const far = i % 2 ? Math.min(near + 1, own - 1) : Math.max(near - 1, 0);
      const [at, beside] = [(o * own + near) * inner, (o * own + far) * inner];
      const from = (o * length + i) * inner;
      for (let x = 0; x < inner; x++) {
        coarse[at + x] += 0.75 * fine[from + x];
        coarse[beside + x] += 0.25 * fine[from + x];
      }
    }
  return coarse;
}
