// Compares what a GPU computes with what wasm computes, before it is used.
//
// Two devices that are both right may decide one ReLU differently, so a GPU that is wrong on
// one picture is asked for others; one that is wrong by itself is wrong on all of them.

import { contract, selfTest } from "./constants.js";
import { Descent } from "./descent.js";
import { Model } from "./model.js";
import { normal } from "./noise.js";
import { Objective, Targets } from "./objective.js";
import { clippedPlanes } from "./picture.js";
import { area } from "./sizes.js";
import { copied } from "./step.js";
import { termWeights } from "./weights.js";

const TRIES = 3;
const STEPS = 3;
const SIZE = [contract.MINIMUM_SIDE, contract.MINIMUM_SIDE];
const PAIRS = 3;

/** Describe what is wrong with the device of a model; empty if nothing is. */
export async function fault(model) {
  const reference = new Model(model.runtime.onWasm, model.graphs, model.weights);
  let first = "";
  for (let seed = 0; seed < TRIES; seed++) {
    let wrong;
    try {
      wrong = difference(await results(model, seed), await results(reference, seed));
    } catch (error) {
      return error.message;
    }
    if (!wrong) return "";
    first ||= wrong;
  }
  return first;
}

/** Gradient, losses, and the picture after some steps. */
async function results(model, seed) {
  const noise = (number) =>
    clippedPlanes(normal(3 * seed + number, 3 * area(SIZE), 128, 48));
  const [content, style, start] = [0, 1, 2].map(noise);
  const made = await model.targets(content, SIZE);
  const ofStyle = await model.targets(style, SIZE);
  for (const name of Object.keys(made)) if (name.startsWith("style")) made[name] = ofStyle[name];
  const targets = new Targets(model, SIZE, made);
  const equal = (layers) => Object.fromEntries(layers.map((layer) => [layer, 1 / layers.length]));
  const layers = { content: equal(model.info.contentLayers), style: equal(model.info.styleLayers) };
  const weights = termWeights({ content: 1, style: 100, tv: 1 }, layers, SIZE);
  const objective = await Objective.of(targets, weights);
  const image = objective.place(start);
  const { gradient, terms } = await objective.evaluate(image);
  const found = { gradient: await copied(gradient), losses: Object.values(terms) };
  const step = await model.step(SIZE, PAIRS);
  const descent = new Descent(objective, step, STEPS, { start });
  while (!descent.end) await descent.advance();
  found.picture = await descent.picture();
  descent.release();
  targets.release();
  return found;
}

function difference(found, expected) {
  for (const [name, right] of Object.entries(expected)) {
    let [off, length] = [0, 0];
    right.forEach((value, index) => {
      off += (found[name][index] - value) ** 2;
      length += value ** 2;
    });
    const distance = Math.sqrt(off / (length || Number.MIN_VALUE));
    if (!(distance <= selfTest.TOLERANCE))
      return (
        `its ${name} differs by ${distance.toExponential(1)} from what wasm computes, at most ` +
        `${selfTest.TOLERANCE} is right`
      );
  }
  return "";
}
