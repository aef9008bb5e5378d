// The optimiser's step as a graph, with its state on a GPU.

import { NUMBERS, STATE, Step } from "./step.js";

const following = (name) => `next/${name}`;

/** Outputs that stay on the GPU. */
export const KEPT = ["image", ...STATE.filter((name) => name !== NUMBERS)].map(following);

export class GraphStep extends Step {
  /** @param session of the step's graph, for that size and as many slots */
  constructor(runtime, size, pairs, session) {
    super(runtime, size, pairs);
    this.session = session;
    const ones = new Float32Array(size[0] * size[1]).fill(1);
    this.free = runtime.place(ones, [1, 1, size[1], size[0]]);
  }

  /**
   * Take a step; what it is given is used up.
   *
   * @param image the picture that was evaluated
   * @param answer what the evaluation gave: {gradient, sums}
   * @param state the state before
   * @returns {Promise<{image, state}>} where to evaluate next, and the state after
   */
  async take(image, { gradient, sums }, state) {
    const given = { image, gradient, weighted_sums: sums, ...state };
    const made = await this.session.run({ ...given, free: this.free });
    for (const tensor of Object.values(given)) tensor.dispose();
    return {
      image: made[following("image")],
      state: Object.fromEntries(STATE.map((name) => [name, made[following(name)]])),
    };
  }

  release() {
    this.free.dispose();
  }
}
