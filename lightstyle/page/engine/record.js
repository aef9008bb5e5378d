// The record of how a picture was made, as records/record.py reads it.

import { record, VERSION } from "./constants.js";
import { named } from "./sizes.js";

/** Return name and SHA-256 of a picture's file; null for what is not known. */
export async function identity(blob) {
  let sha256 = null;
  if (globalThis.crypto?.subtle) { // where the page is served without TLS, there is none
    const digest = await crypto.subtle.digest("SHA-256", await blob.arrayBuffer());
    sha256 = [...new Uint8Array(digest)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  }
  return { name: blob.name ?? null, sha256 };
}

/** Write text with every character that is not ASCII as an escape of JSON. */
const inAscii = (text) =>
  text.replace(/[^\x20-\x7e]/g, (letter) => `\\u${letter.charCodeAt(0).toString(16).padStart(4, "0")}`);

/**
 * Return the record of a run as JSON text in ASCII.
 *
 * @param run that made the picture
 * @param job name of the job
 * @param inputs name and SHA-256 of each picture, by role
 * @param settings all of them; files as "./name"
 */
export function recordOf(run, job, inputs, settings) {
  const { model, pairs, plan, balance, done, loss, inputs: { size } } = run;
  const { runtime, info } = model;
  const layout = { history: { pairs, precision: "f4" }, strips: null };
  const values = {
    lightstyle: VERSION,
    schema: record.SCHEMA,
    job,
    size,
    settings,
    inputs,
    model: {
      name: info.name,
      weights_sha256: info.weightsDigest,
      graph: info.role,
      generator: info.generator,
    },
    environment: {
      device: runtime.device,
      threads: runtime.threads,
      cpus: navigator.hardwareConcurrency ?? null,
      system: "web",
      instruction_sets: [],
      versions: { lightstyle: VERSION, "onnxruntime-web": runtime.version },
    },
    run: {
      optimizer: "lbfgs",
      levels: plan.map(({ size: [width, height], until }) => [width, height, until]),
      balance,
      evaluations: done,
      loss: Number.isFinite(loss) ? loss : null,
      converged: run.end === "converged",
      uninterrupted: run.uninterrupted,
      layouts: Object.fromEntries(plan.map(({ size: each }) => [named(each), layout])),
    },
  };
  // As Python writes it, so that the first bytes of a file tell that there is one.
  return inAscii(JSON.stringify(values)).replace('{"lightstyle":"', '{"lightstyle": "');
}
