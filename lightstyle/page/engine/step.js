// The optimiser's step as a graph, with its state where the model computes.

import { dimsOf } from "./model.js";

/** All state of the step, in the order of `STATE` in step_contract.py. */
export const STATE = [
  ...["point", "point_gradient", "direction"],
  ...["steps", "changes", "inverse", "point_sums", "numbers"],
];
const NUMBERS = "numbers";
const following = (name) => `next/${name}`;
const KEPT = ["image", ...STATE.filter((name) => name !== NUMBERS)].map(following);

export class Step {
  /**
   * @param model whose step it is
   * @param size of the canvas
   * @param pairs number of steps that are remembered
   */
  static async of(model, size, pairs) {
    const session = await model.session("step", size, { M: pairs + 1 }, KEPT);
    return new Step(model, size, pairs, session);
  }

  constructor(model, size, pairs, session) {
    this.runtime = model.runtime;
    this.names = model.info.numbers;
    this.size = size;
    this.slots = pairs + 1;
    this.session = session;
    const ones = new Float32Array(size[0] * size[1]).fill(1);
    this.free = this.runtime.place(ones, [1, 1, size[1], size[0]]);
  }

  /** Bytes of the steps and changes that it remembers. */
  get historyBytes() {
    return 2 * 4 * 3 * this.size[0] * this.size[1] * this.slots;
  }

  /** Return the state before the first step, for a loss of so many partial sums. */
  begun(sums) {
    const [width, height] = this.size;
    const [picture, pairs] = [dimsOf(this.size), [3, height, this.slots, width]];
    const square = [this.slots, this.slots];
    const shapes = [picture, picture, picture, pairs, pairs, square, [sums], [this.names.length]];
    return Object.fromEntries(
      STATE.map((name, index) => [name, this.#zeros(name, shapes[index])]),
    );
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

  /** What the numbers of a state are, by name. */
  numbers(state) {
    const { data } = state[NUMBERS];
    return Object.fromEntries(this.names.map((name, index) => [name, data[index]]));
  }

  /** Read a state: {name: {data, dims}}. */
  async read(state) {
    const entries = STATE.map(async (name) => {
      const { dims } = state[name];
      return [name, { data: await copied(state[name]), dims: [...dims] }];
    });
    return Object.fromEntries(await Promise.all(entries));
  }

  /** Return a state that `read` gave, where the model computes. */
  restored(read) {
    return Object.fromEntries(
      Object.entries(read).map(([name, { data, dims }]) => [
        name,
        name === NUMBERS ? this.runtime.host(data, dims) : this.runtime.place(data, dims),
      ]),
    );
  }

  release() {
    this.free.dispose();
  }

  #zeros(name, dims) {
    const data = new Float32Array(dims.reduce((product, side) => product * side, 1));
    return name === NUMBERS ? this.runtime.host(data, dims) : this.runtime.place(data, dims);
  }
}

/** Return a copy of what a tensor holds. */
export const copied = async (tensor) => (await tensor.getData()).slice();
