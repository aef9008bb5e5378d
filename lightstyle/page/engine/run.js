// A run: a picture painted through all levels.

import { corrected, found, goal } from "./balance.js";
import { Descent, ENDS } from "./descent.js";
import { coarsest, finer, planned, secondsLeft } from "./levels.js";
import { Objective, Targets } from "./objective.js";
import { Problem } from "./problem.js";
import { Scene } from "./scene.js";
import { givenBalance } from "./settings.js";
import { Structure } from "./structure.js";
import { termWeights } from "./weights.js";

/** Bytes up to which a saved state holds the optimiser's history. */
const KEPT = 64e6;

export class Run {
  /**
   * @param model evaluates
   * @param inputs pictures and settings
   * @param pairs number of steps that the optimiser remembers
   * @param saved where to go on, if anywhere
   * @param told hears of it: `evaluated(progress)` after each evaluation, which the run
   *   waits for, and `pause()`, which lets others have their turn
   */
  constructor(model, inputs, pairs, saved, told) {
    Object.assign(this, { model, inputs, pairs, told });
    const { settings } = inputs;
    this.steered = inputs.dial !== null;
    this.wanted = this.steered ? goal(inputs.dial, inputs.meant) : 0;
    // From any other start, content is found before it is lost.
    const corrects = (this.corrects = this.steered && inputs.fromContent);
    this.plan = planned(inputs.size, settings.iterations, settings.pyramid === "on", corrects);
    this.scenes = new Map();
    this.cache = new Map();
    this.level = saved?.level ?? 0;
    this.done = saved?.done ?? 0; // evaluations of the whole run
    this.balance = saved?.balance ?? null;
    this.elapsed = saved?.elapsed ?? 0;
    this.began = performance.now();
    this.resumed = saved?.descent;
    this.uninterrupted = saved ? saved.uninterrupted && Boolean(saved.descent.state) : true;
    this.cancelled = false;
  }

  /** End after the evaluation in progress, with the best picture. */
  cancel() {
    this.cancelled = true;
  }

  get seconds() {
    return this.elapsed + (performance.now() - this.began) / 1000;
  }

  /** Whether the evaluation was the last one of its level. */
  get levelEnds() {
    return this.descent.end !== null;
  }

  /** Paint. Returns {planes, alpha, size} of the best picture, and how it ended. */
  async paint() {
    this.balance ??= await this.#found();
    let canvas = this.resumed ? null : this.#scene(0).startCanvas();
    for (;;) {
      const { picture, end } = await this.#descend(canvas);
      if (end === ENDS.NON_FINITE && this.done === 1) throw this.#notFinite();
      const last = this.level === this.plan.length - 1;
      if (this.cancelled || last || end === ENDS.NON_FINITE) {
        this.end = end;
        return this.#finished(picture);
      }
      canvas = this.#enlarged(picture, this.level, this.level + 1);
      this.level++;
    }
  }

  /** The picture of the run so far, at its final size. */
  async picture() {
    return this.#finished(await this.descent.picture());
  }

  /** All that is needed to go on, to be kept. */
  async saved() {
    const { level, done, balance, seconds, uninterrupted } = this;
    const descent = await this.descent.saved(KEPT);
    const longest = Math.max(...this.inputs.size);
    const { pairs } = this;
    return { level, done, balance, pairs, elapsed: seconds, uninterrupted, longest, descent };
  }

  async #found() {
    const { model, inputs, cache, pairs, told } = this;
    if (!this.steered) return givenBalance(inputs.settings);
    const scene = this.#scene(null, coarsest(inputs.size));
    return found(model, scene, cache, this.wanted, pairs, told.pause);
  }

  /** Go on from a canvas until the evaluations up to this level are used. */
  async #descend(start) {
    const { model, inputs, plan, level, resumed } = this;
    this.resumed = undefined;
    const scene = this.#scene(level);
    const targets = new Targets(model, scene.canvas, await scene.targets(model, this.cache));
    const weights = termWeights(this.balance, inputs.layers, scene.canvas);
    const objective = await Objective.of(targets, weights);
    const step = await model.step(scene.canvas, this.pairs);
    const before = this.done - (resumed?.count ?? 0);
    const budget = plan[level].until - before;
    const descent = new Descent(objective, step, budget, { start, saved: resumed });
    this.descent = descent;
    const times = [];
    while (!descent.end && !this.cancelled) {
      const began = performance.now();
      const { total, terms } = await descent.advance();
      times.push((performance.now() - began) / 1000);
      this.done++;
      await this.told.evaluated(this.#progress(total, terms, times));
      await this.told.pause();
    }
    this.loss = descent.least;
    const picture = await descent.picture();
    const last = level === plan.length - 1;
    if (this.corrects && !last && !this.cancelled && descent.end !== ENDS.NON_FINITE) {
      const share = await new Structure(targets, inputs.layers.content).lost(picture);
      const keepsTv = inputs.settings.tv_weight !== null;
      this.balance = corrected(this.balance, this.wanted, share, keepsTv);
    }
    descent.release();
    targets.release();
    return { picture, end: descent.end };
  }

  #progress(total, terms, times) {
    const { plan, level, done } = this;
    const recent = times.slice(1).slice(-10);
    return {
      evaluation: done,
      evaluations: plan.at(-1).until,
      level: level + 1,
      levels: plan.length,
      size: plan[level].size,
      loss: finite(total),
      terms: Object.fromEntries(Object.entries(terms).map(([k, v]) => [k, finite(v)])),
      seconds: this.seconds,
      seconds_left: secondsLeft(plan, level, times, done),
      rate: recent.length ? recent.length / recent.reduce((sum, one) => sum + one) : null,
    };
  }

  #scene(level, size = this.plan[level].size) {
    const key = size.join();
    if (!this.scenes.has(key)) this.scenes.set(key, new Scene(this.inputs, size));
    return this.scenes.get(key);
  }

  /** A canvas of a level at the size of another; the frame is mirrored anew. */
  #enlarged(canvas, level, target) {
    const [coarse, fine] = [this.#scene(level), this.#scene(target)];
    if (coarse === fine) return canvas;
    const contents = this.inputs.fromContent ? [coarse.content, fine.content] : [];
    const picture = coarse.frame.inside(canvas);
    return fine.frame.around(finer(picture, coarse.size, fine.size, ...contents));
  }

  #finished(canvas) {
    const last = this.plan.length - 1;
    return this.#scene(last).composite(this.#enlarged(canvas, this.level, last));
  }

  #notFinite() {
    const { style, content, tv } = this.balance;
    return new Problem(
      "numeric",
      "the loss of the start image is not a finite number: lower the weights " +
        `(style_weight is ${style}, content_weight ${content}, tv_weight ${tv})`,
    );
  }
}

const finite = (value) => (Number.isFinite(value) ? value : null);
