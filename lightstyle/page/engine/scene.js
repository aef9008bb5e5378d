// The pictures of a run at the size of one of its levels.

import { asContent, asStyle, finished } from "./color.js";
import { contract, start as method } from "./constants.js";
import { Frame } from "./frame.js";
import { normal } from "./noise.js";
import { resized } from "./picture.js";
import { named, rounded } from "./sizes.js";

export class Scene {
  /**
   * @param inputs pictures and settings
   * @param size width and height of the level
   */
  constructor(inputs, size) {
    this.inputs = inputs;
    this.size = size;
    this.scale = Math.max(...size) / Math.max(...inputs.size);
    this.frame = new Frame(size);
    this.own = resized(inputs.content, size);
    this.content = asContent(inputs.settings.color, this.own);
  }

  /** Alpha of the content, which is that of the result. */
  get alpha() {
    return this.own.alpha;
  }

  /** Size of the canvas. */
  get canvas() {
    return this.frame.canvas;
  }

  /** The content's canvas. */
  contentCanvas() {
    return this.frame.around(this.content);
  }

  /** The canvas that the level starts from, if it is the first. */
  startCanvas() {
    const { settings, start } = this.inputs;
    const share = start ? settings.init_noise : 1;
    if (share === 0) return this.frame.around(this.#startPlanes());
    const { NOISE_MEAN, NOISE_DEVIATION } = method;
    const noise = normal(settings.seed, this.content.length, NOISE_MEAN, NOISE_DEVIATION);
    if (!start) return this.frame.around(noise);
    const mixed = (level, i) => share * noise[i] + (1 - share) * level;
    return this.frame.around(this.#startPlanes().map(mixed));
  }

  #startPlanes() {
    const { settings, start } = this.inputs;
    const picture = resized(start, this.size);
    if (settings.init === "style") return asStyle(settings.color, picture, this.own);
    return asContent(settings.color, picture);
  }

  /**
   * Compute what the pictures of the level are compared with.
   *
   * @param model computes it
   * @param cache Gram matrices that are known already, by style and size
   * @returns targets by the name of their feed, {data, dims}
   */
  async targets(model, cache) {
    const made = await model.targets(this.contentCanvas(), this.canvas);
    const names = model.info.styleLayers.map((layer) => `style_target/${layer}`);
    const sums = names.map((name) => new Float64Array(made[name].data.length));
    for (const [index, share] of this.inputs.blend.entries()) {
      if (!share) continue;
      const grams = await this.#grams(model, index, cache);
      names.forEach((name, at) =>
        grams[name].data.forEach((value, i) => (sums[at][i] += share * value)),
      );
    }
    names.forEach((name, at) => (made[name].data = Float32Array.from(sums[at])));
    return made;
  }

  /** The picture that a canvas shows: {planes, alpha, size}, and notes about its colours. */
  composite(canvas) {
    const { alpha, size } = this;
    const inside = this.frame.inside(canvas);
    return { ...finished(this.inputs.settings.color, inside, this.own), alpha, size };
  }

  async #grams(model, index, cache) {
    const whole = this.inputs.styleSizes[index];
    const share = Math.max(this.scale, contract.MINIMUM_SIDE / Math.min(...whole));
    const size = whole.map((side) => rounded(side * share));
    const key = `${index} ${named(size)}`;
    if (!cache.has(key)) {
      const frame = new Frame(size);
      const style = resized(this.inputs.styles[index], size);
      const canvas = frame.around(asStyle(this.inputs.settings.color, style, this.own));
      cache.set(key, await model.targets(canvas, frame.canvas));
    }
    return cache.get(key);
  }
}
