// The loss of pictures of one size, with its gradient: an evaluation graph with its feeds.

import { dimsOf } from "./sizes.js";

/** Outputs that the step is told; on a GPU they stay there. */
const KEPT = ["gradient", "weighted_sums"];
const LOSSES = "weighted_losses";

/** What pictures of one size are compared with, where the model computes. */
export class Targets {
  /**
   * @param model evaluates
   * @param size of the canvas
   * @param made targets by the name of their feed, {data, dims}
   */
  constructor(model, size, made) {
    this.model = model;
    this.size = size;
    this.made = made;
    const entries = Object.entries(made);
    this.placed = Object.fromEntries(
      entries.map(([name, { data, dims }]) => [name, model.runtime.place(data, dims)]),
    );
  }

  release() {
    for (const tensor of Object.values(this.placed)) tensor.dispose();
  }
}

/** Evaluates pictures. */
export class Objective {
  /**
   * @param targets what they are compared with
   * @param weights of the terms; a term that is left out has weight 0
   */
  static async of(targets, weights) {
    const { model, size } = targets;
    const session = await model.session("evaluation", size, {}, KEPT);
    return new Objective(targets, weights, session);
  }

  constructor(targets, weights, session) {
    const { runtime, info } = targets.model;
    this.runtime = runtime;
    this.session = session;
    this.size = targets.size;
    this.terms = info.terms.map((name) => (weights[name] > 0 ? name : null));
    const scalars = info.terms.map((name) => [
      name.replace("_loss", "_weight"),
      runtime.host(Float32Array.of(weights[name] ?? 0), []),
    ]);
    this.feeds = {
      ...targets.model.kernelsOf(session),
      ...targets.placed,
      ...Object.fromEntries(scalars),
    };
  }

  /** Return a canvas, (3, h, w), as a tensor that can be evaluated. */
  place(canvas) {
    return this.runtime.place(canvas, dimsOf(this.size));
  }

  /**
   * Evaluate a picture.
   *
   * @returns {Promise<{gradient, sums, total: number, terms: Record<string, number>}>} the
   *   gradient and the weighted partial sums, and the weighted terms by name
   */
  async evaluate(image) {
    const made = await this.session.run({ ...this.feeds, image }, [...KEPT, LOSSES]);
    const terms = {};
    let total = 0;
    made[LOSSES].data.forEach((value, index) => {
      if (!this.terms[index]) return;
      terms[this.terms[index]] = value;
      total += value;
    });
    return { gradient: made.gradient, sums: made.weighted_sums, total, terms };
  }
}
