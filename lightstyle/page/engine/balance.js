// Finds the weights with which a picture loses as much of its content as asked for, and
// corrects them after each level, as transfer/balance.py does.

import { balance as method, contract, settings as usual } from "./constants.js";
import { Descent, ENDS } from "./descent.js";
import { Objective, Targets } from "./objective.js";
import { Problem } from "./problem.js";
import { givenBalance } from "./settings.js";
import { Structure } from "./structure.js";
import { termWeights } from "./weights.js";

const odds = (share) => share / Math.max(method.ALL - share, 0.01);

/** The factor of the weight that multiplies the odds by `wanted`. */
const corrections = (wanted) =>
  Math.min(Math.max(wanted ** (1 / method.POWER), 1 / method.LARGEST), method.LARGEST);

/** How much of the content a strength, 0…1, allows to be lost. */
export const goal = (strength, meant) => method.LOST * (strength / meant) ** method.GROWTH;

/** Evaluations of each descent of the search, for a run of so many. */
const each = (iterations) => {
  const [least, most] = method.EVALUATIONS;
  return Math.min(Math.max(least, Math.ceil(iterations / method.RUN)), most);
};

/**
 * Correct weights after a level.
 *
 * @param balance the weights
 * @param wanted what of the content is to be lost
 * @param share what is lost with these weights
 * @param keepsTv whether the weight of the total variation was given
 */
export function corrected(balance, wanted, share, keepsTv) {
  if (!(wanted && share > 0)) return balance;
  const ratio = corrections(odds(wanted) / odds(share));
  const tv = keepsTv ? balance.tv : balance.tv * ratio ** 0.5;
  return { content: balance.content, style: balance.style * ratio, tv };
}

/**
 * Descends with trial weights in a small picture.
 *
 * @param model evaluates
 * @param scene the pictures at the coarsest size
 * @param cache Gram matrices that are known
 * @param wanted what of the content is to be lost
 * @param pairs number of steps that are remembered
 * @param pause lets others have their turn between two evaluations
 */
export async function found(model, scene, cache, wanted, pairs, pause) {
  const targets = new Targets(model, scene.canvas, await scene.targets(model, cache));
  try {
    return await new Search(targets, scene, pairs, pause).balance(wanted);
  } finally {
    targets.release();
  }
}

class Search {
  constructor(targets, scene, pairs, pause) {
    const { settings, layers } = scene.inputs;
    Object.assign(this, { targets, scene, settings, layers, pairs, pause });
    this.content = scene.contentCanvas();
    this.structure = new Structure(targets, layers.content);
  }

  async balance(wanted) {
    const { tv_weight } = this.settings;
    if (!wanted) return { content: usual.CONTENT_WEIGHT, style: 0, tv: tv_weight ?? 0 };
    const unit = { content: usual.CONTENT_WEIGHT, style: 1, tv: 0 };
    const objective = await this.#objective(unit);
    this.all = await this.#part(objective, this.#empty(), "content");
    this.apart = await this.#part(objective, this.content, "style");
    if (!(this.all > 0 && this.apart > 0)) return givenBalance(this.settings); // no scale
    return this.#weights(await this.#ratio(odds(method.SHORT * wanted)));
  }

  /** The ratio of style and content terms with about the wanted odds. */
  async #ratio(wanted) {
    let ratio = (wanted / odds(method.USUAL)) ** (1 / method.POWER);
    let [image, less, more] = [this.content, [0, 0], [Infinity, Infinity]];
    for (let descent = 0; descent < method.DESCENTS; descent++) {
      image = await this.#descend(image, ratio);
      const reached = odds(await this.structure.lost(image));
      const pair = [ratio, reached];
      if (reached < wanted) less = follows(pair, less) ? pair : less;
      else more = follows(more, pair) ? pair : more;
      // What is lost is not found again in a few steps.
      if (reached > method.TOO_MUCH * wanted) image = this.content;
      if (0 < less[1] && less[1] < more[1] && more[1] < Infinity && less[0] < more[0])
        ratio = between(less, more, wanted);
      else if (reached > 0) ratio *= corrections(wanted / reached);
    }
    return ratio;
  }

  /** Weights; ratio 1 gives style and content terms the same scale. */
  #weights(ratio) {
    const scale = this.all / (method.VARIATION * contract.REFERENCE_SIDE ** 2);
    return {
      content: usual.CONTENT_WEIGHT,
      style: (ratio * this.all) / this.apart,
      tv: this.settings.tv_weight ?? method.TV * ratio ** 0.5 * scale,
    };
  }

  /** Go on from a canvas with the weights of a ratio; return a better one. */
  async #descend(start, ratio) {
    const objective = await this.#objective(this.#weights(ratio));
    const step = await this.targets.model.step(this.targets.size, this.pairs);
    const descent = new Descent(objective, step, each(this.settings.iterations), { start });
    while (!descent.end) {
      await descent.advance();
      await this.pause();
    }
    if (descent.end === ENDS.NON_FINITE) throw this.#notFinite();
    const picture = await descent.picture();
    descent.release();
    return picture;
  }

  #objective(balance) {
    return Objective.of(this.targets, termWeights(balance, this.layers, this.targets.size));
  }

  /** The sum of the terms of "content" or "style" of a canvas. */
  async #part(objective, canvas, kind) {
    const image = objective.place(canvas);
    const { terms, gradient, sums } = await objective.evaluate(image);
    for (const tensor of [image, gradient, sums]) tensor.dispose();
    const values = Object.entries(terms).filter(([name]) => name.startsWith(kind));
    const total = values.reduce((sum, [, value]) => sum + value, 0);
    if (!Number.isFinite(total)) throw this.#notFinite();
    return total;
  }

  /** A canvas of the content's mean colour. */
  #empty() {
    const count = this.content.length / 3;
    const made = new Float32Array(this.content.length);
    for (let c = 0; c < 3; c++) {
      const plane = this.content.subarray(c * count, (c + 1) * count);
      made.fill(plane.reduce((sum, level) => sum + level, 0) / count, c * count, (c + 1) * count);
    }
    return made;
  }

  #notFinite() {
    const { tv_weight: tv } = this.settings;
    const advice = tv ? `lower tv_weight ${tv}` : "give a style_weight instead";
    return new Problem(
      "numeric",
      `no weights for this strength can be found, because the loss is not finite: ${advice}`,
    );
  }
}

/** Whether a pair of ratio and odds comes after another. */
const follows = (one, other) => one[0] > other[0] || (one[0] === other[0] && one[1] > other[1]);

/** The ratio between two that has the wanted odds, by their logarithms. */
function between([low, small], [high, large], wanted) {
  const share = Math.log(wanted / small) / Math.log(large / small);
  return low * (high / low) ** share;
}
