// A loaded model: what its graphs say, targets of pictures, and sessions by size.

import { contract } from "./constants.js";
import { fetchedBytes } from "./fetched.js";
import { GraphStep, KEPT as STAYING } from "./graph_step.js";
import { HostStep } from "./host_step.js";
import { metadataOf } from "./metadata.js";
import { Problem } from "./problem.js";
import { dimsOf, named } from "./sizes.js";

/** Sessions that a graph keeps, each with the memory of its largest run. */
const KEPT = { evaluation: 1, targets: 2, step: 1 };

/** Graphs by their use, in the form that is fast in wasm and in the one for WebGPU. */
const GRAPHS = {
  wasm: {
    evaluation: "cpu.onnx",
    targets: "cpu.targets.onnx",
    kernels: "cpu.kernels.onnx",
  },
  webgpu: { evaluation: "onnx", targets: "targets.onnx", step: "webgpu.step.onnx" },
};

export class Model {
  /**
   * Load the graphs of a model.
   *
   * @param runtime computes
   * @param url of its evaluation graph, such as vgg19-lite.onnx; the others lie beside it
   * @param form whose form of the graphs is used: "wasm" or "webgpu"
   */
  static async load(runtime, url, form = runtime.device) {
    const stem = url.replace(/onnx$/, "");
    const load = async ([use, suffix]) => [use, await fetchedBytes(stem + suffix)];
    const [data, ...loaded] = await Promise.all([
      fetchedBytes(`${stem}safetensors`),
      ...Object.entries(GRAPHS[form]).map(load),
    ]);
    const path = `${stem}safetensors`.split("/").at(-1);
    const model = new Model(runtime, Object.fromEntries(loaded), { path, data });
    if (model.graphs.kernels) await model.#makeKernels();
    return model;
  }

  constructor(runtime, graphs, weights) {
    this.runtime = runtime;
    this.graphs = graphs;
    this.weights = weights;
    this.kernels = {};
    this.sessions = {};
    const about = metadataOf(graphs.evaluation);
    const value = (key) => about[`lightstyle.${key}`];
    if (value("schema") !== String(contract.SCHEMA))
      throw new Problem("model", `the model has schema ${value("schema")}, expected ${contract.SCHEMA}`);
    this.info = {
      name: weights.path.replace(/\.safetensors$/, ""),
      contentLayers: value("content_layers").split(","),
      styleLayers: value("style_layers").split(","),
      terms: value("terms").split(","),
      weightsDigest: value("weights_sha256"),
      generator: value("generator"),
      role: value("role"),
      costs: JSON.parse(value("bytes_per_position")),
    };
  }

  /** Kernels that graphs for CPUs are fed with, the same at every run. */
  async #makeKernels() {
    const session = await this.runtime.session(this.graphs.kernels, { weights: this.weights });
    this.kernels = await session.run({});
    await session.release();
    delete this.graphs.kernels;
  }

  /**
   * Compute the targets that a picture would set.
   *
   * @param canvas planes (3, h, w)
   * @param size of the canvas
   * @returns {Promise<Record<string, {data: Float32Array, dims: number[]}>>} content features
   *   and Gram matrices, by the name of their feed
   */
  async targets(canvas, size) {
    const session = await this.session("targets", size);
    const image = this.runtime.place(canvas, dimsOf(size));
    const made = await session.run({ ...this.kernelsOf(session), image });
    image.dispose();
    return Object.fromEntries(
      Object.entries(made).map(([name, { data, dims }]) => [name, { data, dims: [...dims] }]),
    );
  }

  /** The kernels that a session is fed with. */
  kernelsOf(session) {
    const names = Object.keys(this.kernels).filter((name) => session.inputNames.includes(name));
    return Object.fromEntries(names.map((name) => [name, this.kernels[name]]));
  }

  /** Return what takes steps on canvases of a size, and remembers so many. */
  async step(size, pairs) {
    if (this.runtime.device === "wasm") return new HostStep(this.runtime, size, pairs);
    const session = await this.session("step", size, { M: pairs + 1 }, STAYING);
    return new GraphStep(this.runtime, size, pairs, session);
  }

  /**
   * Return the session of a graph for pictures of a size.
   *
   * @param use "evaluation", "targets" or "step"
   * @param size of the canvas
   * @param more lengths of further dimensions
   * @param kept outputs that stay on a GPU
   */
  async session(use, size, more = {}, kept = []) {
    const sizes = { W: size[0], H: size[1], ...more };
    const key = JSON.stringify(sizes);
    const sessions = (this.sessions[use] ??= new Map());
    let found = sessions.get(key);
    sessions.delete(key);
    if (!found) {
      for (const [old, session] of [...sessions].slice(0, sessions.size + 1 - KEPT[use])) {
        sessions.delete(old);
        await session.release();
      }
      const weights = use === "step" ? undefined : this.weights;
      try {
        found = await this.runtime.session(this.graphs[use], { weights, sizes, kept });
      } catch (error) {
        throw new Problem(
          this.runtime.device === "webgpu" ? "device" : "model",
          `the ${use} graph cannot be loaded for ${named(size)}: ${error.message ?? error}`,
          { cause: error },
        );
      }
    }
    sessions.set(key, found);
    return found;
  }
}
