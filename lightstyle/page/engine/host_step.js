// The optimiser's step in the memory of the host, for wasm: as fast there as the graph, and
// the history is neither copied nor held twice. It is that of export/optimizer/step.py, whose
// text and that of optimize/lbfgs.py say what each rule is for.

import { optimizer as method } from "./constants.js";
import { dot, History } from "./history.js";
import { Pyramid } from "./pyramid.js";
import { dimsOf } from "./sizes.js";
import { NUMBER_NAMES, Step } from "./step.js";

const { LOW, HIGH, FIRST_STEP, SUFFICIENT, TRIALS, RESOLUTION, PATIENCE } = method;

/** Stands for 0 in a divisor. */
const TINY = 1e-30;

const rootMeanSquare = (picture) => Math.sqrt(dot(picture, picture) / picture.length);
const clipped = (level) => Math.min(HIGH, Math.max(LOW, level));
const clamp = (value, least, most) => Math.min(most, Math.max(least, value));

export class HostStep extends Step {
  constructor(runtime, size, pairs) {
    super(runtime, size, pairs);
    this.pyramid = new Pyramid(size);
  }

  /**
   * Take a step, as `GraphStep.take`; the history in `state` is changed.
   */
  async take(image, { gradient, sums }, state) {
    const old = this.numbers(state);
    const first = old.evaluations === 0;
    const factor = first ? 1 / (rootMeanSquare(gradient.data) || 1) : old.factor;
    const walk = new Walk(this, state, image.data, gradient.data, factor, old);
    let decrease = 0;
    sums.data.forEach((sum, index) => (decrease += state.point_sums.data[index] - sum));
    decrease *= factor;
    if (first) walk.move();
    else walk.judge(decrease, sums.data);
    const { accepted } = walk;
    const total = sums.data.reduce((sum, value) => sum + value, 0);
    const values = { ...walk.numbers, evaluations: old.evaluations + 1, loss: total, factor };
    const numbers = Float32Array.from(NUMBER_NAMES, (name) => Number(values[name]));
    const picture = (data) => this.runtime.host(data, dimsOf(this.size));
    return {
      image: picture(walk.trial),
      state: {
        ...state,
        ...(accepted && { point: image, point_sums: sums, point_gradient: picture(walk.gradient) }),
        direction: picture(walk.direction),
        numbers: this.runtime.host(numbers, [numbers.length]),
      },
    };
  }

  release() {}
}

/** One step: what is known before it, and what it decides. */
class Walk {
  constructor(step, state, image, gradient, factor, old) {
    const { steps, changes, inverse, point, point_gradient, direction } = state;
    const [width] = step.size;
    this.history = new History(steps.data, changes.data, inverse.data, old.pairs, width);
    this.pyramid = step.pyramid;
    this.image = image;
    this.scaled = gradient.map((value) => value * factor);
    Object.assign(this, { point: point.data, gradient: point_gradient.data, old, factor });
    this.direction = direction.data;
    this.accepted = false;
    const { scale, reach, trials, idle } = old;
    const slope = rootMeanSquare(this.scaled);
    this.numbers = { step: 0, scale, reach, trials, idle, stalled: false, slope };
  }

  /** Make the picture that was evaluated the point, and aim from there. */
  move() {
    if (!this.old.evaluations) Object.assign(this.numbers, { scale: 1, reach: FIRST_STEP });
    this.accepted = true;
    [this.point, this.gradient] = [this.image, this.scaled];
    this.numbers.trials = 0;
    this.#aim();
  }

  /** Decide about a trial that has lowered the scaled loss by `decrease`. */
  judge(decrease, sums) {
    const { numbers, old } = this;
    const step = this.image.map((level, i) => level - this.point[i]);
    const slope = dot(this.gradient, step);
    if (-decrease <= slope * SUFFICIENT) {
      this.#learn(step);
      const total = sums.reduce((sum, value) => sum + value, 0);
      const lowered = decrease > Math.abs(total) * this.factor * RESOLUTION;
      numbers.idle = lowered ? 0 : old.idle + 1;
      this.move();
      numbers.stalled ||= numbers.idle >= PATIENCE;
      return;
    }
    numbers.trials++;
    if (numbers.trials < TRIALS) {
      const least = (0.5 * slope) / (slope + decrease);
      this.#try(old.step * clamp(least, 0.1, 0.5), () => this.#end());
      return;
    }
    this.#end();
    this.#forget();
    this.#aim();
  }

  /** Without a history to blame, a trial that fails for good ends it all. */
  #end() {
    if (!this.old.pairs) this.numbers.stalled = true;
  }

  #forget() {
    this.history.forget();
    Object.assign(this.numbers, { scale: 1, reach: FIRST_STEP, trials: 0 });
  }

  /** Remember the step, and what it tells of the curvature. */
  #learn(step) {
    const change = this.scaled.map((value, i) => value - this.gradient[i]);
    const curvature = this.history.add(step, change);
    if (!curvature) {
      this.numbers.reach *= 2; // where the loss bends down, go further while it does
      return;
    }
    const inside = change.map((value, i) =>
      this.image[i] > LOW && this.image[i] < HIGH ? value : 0,
    );
    const squares = this.pyramid.squares(inside);
    if (squares > 0) this.numbers.scale = curvature / squares;
  }

  /** Choose a direction from the point, and its first trial. */
  #aim() {
    const { history, pyramid, numbers } = this;
    const free = this.#free();
    const within = (picture) => picture.map((value, i) => value * free[i]);
    const initial = (picture) =>
      pyramid.product(within(picture)).map((value, i) => value * free[i] * numbers.scale);
    const downhill = within(this.gradient);
    const product = history.inverseHessian(downhill, initial);
    this.direction = product.map((value, i) => -value * free[i]);
    const length = Math.max(rootMeanSquare(this.direction), TINY);
    this.#try(history.count ? 1 : numbers.reach / length, () => {}, downhill);
    if (rootMeanSquare(downhill) <= TINY) numbers.stalled = true;
  }

  /**
   * Try a step along the direction; where it does not lead downhill, the plain gradient
   * without a history is next.
   *
   * @param size of the step
   * @param lost called where it does not
   * @param downhill gradient of the pixels that are free
   */
  #try(size, lost, downhill) {
    const { numbers, gradient, point } = this;
    numbers.step = size;
    this.trial = this.#stepped(this.direction, size);
    let slope = 0;
    this.trial.forEach((level, i) => (slope += gradient[i] * (level - point[i])));
    if (!(slope < 0)) {
      lost();
      const free = downhill ? null : this.#free();
      downhill ??= gradient.map((value, i) => value * free[i]);
      this.direction = downhill.map((value) => -value);
      this.#forget();
      numbers.step = FIRST_STEP / Math.max(rootMeanSquare(downhill), TINY);
      this.trial = this.#stepped(this.direction, numbers.step);
    }
    Object.assign(numbers, { pairs: this.history.count, accepted: this.accepted });
  }

  #stepped(direction, size) {
    return direction.map((value, i) => clipped(this.point[i] + value * size));
  }

  /** 1 where a pixel does not lie at a bound and would leave it. */
  #free() {
    const { point, gradient } = this;
    return Uint8Array.from(point, (level, i) =>
      (level <= LOW && gradient[i] > 0) || (level >= HIGH && gradient[i] < 0) ? 0 : 1,
    );
  }
}
