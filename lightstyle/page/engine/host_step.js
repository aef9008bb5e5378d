// The optimiser's step in the memory of the host, for wasm: as fast there as the graph, and
// the history is neither copied nor held twice. It is that of export/optimizer/formulas.py, whose
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
const clamp = (value, least, most) => (value < least ? least : value > most ? most : value);

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
    let total = 0;
    sums.data.forEach((sum, index) => {
      decrease += (state.point_sums.data[index] - sum) * factor;
      total += sum;
    });
    if (first) walk.move();
    else walk.judge(decrease, total);
    const { accepted } = walk;
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
    this.scaled = new Float32Array(gradient.length);
    for (let i = 0; i < gradient.length; i++) this.scaled[i] = gradient[i] * factor;
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
  judge(decrease, total) {
    const { numbers, old } = this;
    const step = difference(this.image, this.point);
    const slope = dot(this.gradient, step);
    if (-decrease <= slope * SUFFICIENT) {
      this.#learn(step);
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
    const change = difference(this.scaled, this.gradient);
    const curvature = this.history.add(step, change);
    if (!curvature) {
      this.numbers.reach *= 2; // where the loss bends down, go further while it does
      return;
    }
    const { image } = this;
    for (let i = 0; i < change.length; i++)
      if (image[i] <= LOW || image[i] >= HIGH) change[i] = 0;
    const squares = this.pyramid.squares(change);
    if (squares > 0) this.numbers.scale = curvature / squares;
  }

  /** Choose a direction from the point, and its first trial. */
  #aim() {
    const { history, pyramid, numbers } = this;
    const free = this.#free();
    const initial = (picture) => {
      const product = pyramid.product(multiplied(picture, free, 1));
      return multiplied(product, free, numbers.scale);
    };
    const downhill = multiplied(this.gradient.slice(), free, 1);
    this.direction = multiplied(history.inverseHessian(downhill.slice(), initial), free, -1);
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
    if (!(dot(gradient, difference(this.trial, point)) < 0)) {
      lost();
      downhill ??= multiplied(gradient.slice(), this.#free(), 1);
      this.direction = downhill.map((value) => -value);
      this.#forget();
      numbers.step = FIRST_STEP / Math.max(rootMeanSquare(downhill), TINY);
      this.trial = this.#stepped(this.direction, numbers.step);
    }
    Object.assign(numbers, { pairs: this.history.count, accepted: this.accepted });
  }

  #stepped(direction, size) {
    const { point } = this;
    const made = new Float32Array(point.length);
    for (let i = 0; i < made.length; i++)
      made[i] = clamp(point[i] + direction[i] * size, LOW, HIGH);
    return made;
  }

  /** 1 where a pixel does not lie at a bound and would leave it. */
  #free() {
    const { point, gradient } = this;
    const made = new Uint8Array(point.length);
    for (let i = 0; i < made.length; i++) {
      const [level, slope] = [point[i], gradient[i]];
      made[i] = (level <= LOW && slope > 0) || (level >= HIGH && slope < 0) ? 0 : 1;
    }
    return made;
  }
}

function difference(one, other) {
  const made = new Float32Array(one.length);
  for (let i = 0; i < made.length; i++) made[i] = one[i] - other[i];
  return made;
}

/** A picture, which is changed, times a mask and a factor. */
function multiplied(picture, mask, factor) {
  for (let i = 0; i < picture.length; i++) picture[i] *= mask[i] * factor;
  return picture;
}
