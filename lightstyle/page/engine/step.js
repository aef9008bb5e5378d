// The state of the optimiser's step, as step_contract.py has it. A subclass takes the steps.

import { dimsOf } from "./sizes.js";

/** All state, in the order of `STATE`, and what its numbers are, as `NUMBER_NAMES`. */
export const STATE = [
  ...["point", "point_gradient", "direction"],
  ...["steps", "changes", "inverse", "point_sums", "numbers"],
];
export const NUMBER_NAMES = [
  ...["evaluations", "loss", "factor", "step", "scale", "reach"],
  ...["trials", "pairs", "idle", "stalled", "accepted", "slope"],
];
export const NUMBERS = "numbers";

export class Step {
  /**
   * @param runtime where the state lies
   * @param size of the canvas
   * @param pairs number of steps that are remembered
   */
  constructor(runtime, size, pairs) {
    this.runtime = runtime;
    this.size = size;
    this.slots = pairs + 1;
  }

  /** Bytes of the steps and changes that it remembers. */
  get historyBytes() {
    return 2 * 4 * 3 * this.size[0] * this.size[1] * this.slots;
  }

  /** Return the state before the first step, for a loss of so many partial sums. */
  begun(sums) {
    const [width, height] = this.size;
    const [picture, pairs] = [dimsOf(this.size), [3, height, this.slots, width]];
    const small = [[this.slots, this.slots], [sums], [NUMBER_NAMES.length]];
    const shapes = [picture, picture, picture, pairs, pairs, ...small];
    const zeros = (dims) => new Float32Array(dims.reduce((product, side) => product * side, 1));
    return this.restored(
      Object.fromEntries(
        STATE.map((name, index) => [name, { data: zeros(shapes[index]), dims: shapes[index] }]),
      ),
    );
  }

  /** What the numbers of a state are, by name. */
  numbers(state) {
    const { data } = state[NUMBERS];
    return Object.fromEntries(NUMBER_NAMES.map((name, index) => [name, data[index]]));
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
}

/** Return a copy of what a tensor holds. */
export const copied = async (tensor) => (await tensor.getData()).slice();
