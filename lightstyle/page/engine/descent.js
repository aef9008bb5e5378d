// Lowers a loss with a fixed budget of evaluations, as optimize/minimize.py does.

import { minimize } from "./constants.js";
import { copied } from "./step.js";

/** How a descent ended. */
export const ENDS = { CONVERGED: "converged", SPENT: "spent", NON_FINITE: "non-finite" };

export class Descent {
  /**
   * @param objective the loss
   * @param step takes the steps
   * @param budget number of evaluations
   * @param start canvas where it starts, or `saved`, what `saved()` gave
   */
  constructor(objective, step, budget, { start, saved }) {
    this.objective = objective;
    this.step = step;
    this.budget = budget;
    this.count = saved?.count ?? 0;
    this.least = saved?.least ?? Infinity; // the lowest loss
    this.before = saved?.before ?? Infinity; // the lowest loss when the steps began afresh
    this.end = null;
    this.state = saved?.state ? step.restored(saved.state) : null;
    this.image = objective.place(saved?.image ?? start);
  }

  /**
   * Evaluate once, and take a step.
   *
   * @returns {Promise<{total: number, terms: Record<string, number>}>} the loss
   */
  async advance() {
    const answer = await this.objective.evaluate(this.image);
    const { total, terms } = answer;
    this.state ??= this.step.begun(answer.sums.dims[0]);
    const next = await this.step.take(this.image, answer, this.state);
    this.count++;
    this.image = next.image;
    this.state = next.state;
    const { accepted, stalled, slope } = this.step.numbers(next.state);
    if (!Number.isFinite(total) || !Number.isFinite(slope)) this.end = ENDS.NON_FINITE;
    else {
      if (accepted) this.least = Math.min(this.least, total);
      if (stalled) this.#beginAfresh();
      if (this.count >= this.budget) this.end ??= ENDS.SPENT;
    }
    return { total, terms };
  }

  /** The best canvas so far, (3, h, w). */
  picture() {
    return copied(this.state ? this.state.point : this.image);
  }

  /**
   * Return all that is needed to go on, in plain arrays.
   *
   * @param most bytes up to which the history is kept; without it, steps begin afresh
   */
  async saved(most) {
    const { count, least, before } = this;
    if (!this.state || this.step.historyBytes > most)
      return { count, least, before, image: await this.picture(), state: null };
    const [image, state] = [await copied(this.image), await this.step.read(this.state)];
    return { count, least, before, image, state };
  }

  release() {
    for (const tensor of [this.image, ...Object.values(this.state ?? {})]) tensor.dispose();
    this.step.release();
  }

  /** Forget all steps, unless those since the last time have found nothing. */
  #beginAfresh() {
    const { least, before } = this;
    if (before < Infinity && least >= before - minimize.RESOLUTION * Math.abs(before)) {
      this.end = ENDS.CONVERGED;
      return;
    }
    this.before = least;
    const { point, ...rest } = this.state;
    for (const tensor of [this.image, ...Object.values(rest)]) tensor.dispose();
    this.image = point;
    this.state = null;
  }
}
