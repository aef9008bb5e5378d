// Makes the pixels of a picture easier to optimise, as optimize/preconditioner.py does: the
// map A adds up corrections at every scale, and A Aᵀ is the initial inverse Hessian.

import { preconditioner } from "./constants.js";
import { dot } from "./history.js";

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
    const last = this.gains.at(-1);
    let total = levels.at(-1).map((value) => value * last);
    for (let level = levels.length - 2; level >= 0; level--) {
      const [[wide, high], [width, height]] = [this.sizes[level + 1], this.sizes[level]];
      total = doubledDown(doubledAlong(total, wide, width), width, high, height);
      const [gain, own] = [this.gains[level], levels[level]];
      for (let i = 0; i < total.length; i++) total[i] += gain * own[i];
    }
    return total;
  }

  /** ‖Aᵀ v‖². */
  squares(picture) {
    const add = (sum, level, index) => sum + this.gains[index] * dot(level, level);
    return this.#levels(picture).reduce(add, 0);
  }

  /** A picture, halved again and again: Aᵀ v without the gains. */
  #levels(picture) {
    const levels = [picture];
    for (const [width, height] of this.sizes.slice(0, -1))
      levels.push(halvedDown(halvedAlong(levels.at(-1), width), half(width), height));
    return levels;
  }
}

// Lines are enlarged bilinearly, or reduced by the adjoint of that. The line of even number
// 2i is 3/4 of line i and 1/4 of the one before, and 2i + 1 of the one after; where there is
// none, it is i itself. The length of the finer lines is twice that of the others, or one less.

function doubledAlong(coarse, own, length) {
  const fine = new Float32Array((coarse.length / own) * length);
  for (let at = 0, to = 0; at < coarse.length; at += own)
    for (let i = 0; i < length; i++) {
      const near = i >> 1;
      const far = i & 1 ? (near + 1 < own ? near + 1 : near) : near ? near - 1 : near;
      fine[to++] = 0.75 * coarse[at + near] + 0.25 * coarse[at + far];
    }
  return fine;
}

function doubledDown(coarse, width, own, length) {
  const fine = new Float32Array(3 * width * length);
  for (let c = 0, to = 0; c < 3; c++)
    for (let i = 0; i < length; i++) {
      const near = i >> 1;
      const far = i & 1 ? Math.min(near + 1, own - 1) : Math.max(near - 1, 0);
      const [at, beside] = [(c * own + near) * width, (c * own + far) * width];
      for (let x = 0; x < width; x++)
        fine[to++] = 0.75 * coarse[at + x] + 0.25 * coarse[beside + x];
    }
  return fine;
}

function halvedAlong(fine, length) {
  const own = half(length);
  const coarse = new Float32Array((fine.length / length) * own);
  for (let at = 0, to = 0; at < fine.length; at += length)
    for (let i = 0; i < length; i += 2) {
      const before = i ? fine[at + i - 1] : fine[at];
      const odd = i + 1 < length ? fine[at + i + 1] : 0;
      const after = i + 2 < length ? fine[at + i + 2] : odd;
      coarse[to++] = 0.75 * (fine[at + i] + odd) + 0.25 * (before + after);
    }
  return coarse;
}

function halvedDown(fine, width, length) {
  const own = half(length);
  const coarse = new Float32Array(3 * width * own);
  for (let c = 0, to = 0; c < 3; c++)
    for (let i = 0; i < length; i += 2) {
      const at = (c * length + i) * width;
      const before = i ? at - width : at;
      const odd = i + 1 < length ? at + width : -1;
      const after = i + 2 < length ? at + 2 * width : odd;
      for (let x = 0; x < width; x++) {
        const [below, last] = odd < 0 ? [0, 0] : [fine[odd + x], fine[after + x]];
        coarse[to++] = 0.75 * (fine[at + x] + below) + 0.25 * (fine[before + x] + last);
      }
    }
  return coarse;
}
