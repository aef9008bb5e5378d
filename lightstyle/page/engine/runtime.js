// ONNX Runtime on a device: sessions, and tensors where the device computes.

import { Problem } from "./problem.js";

/** Files for each device; those for WebGPU can also compute in wasm. */
const FILES = {
  webgpu: ["ort.webgpu.min.js", "ort-wasm-simd-threaded.asyncify"],
  wasm: ["ort.wasm.min.js", "ort-wasm-simd-threaded"],
};

/** Most threads: more gain little and heat a phone. */
const THREADS = 8;

/** GPU buffers have a multiple of this many bytes. */
const ALIGNED = 16;

export class Runtime {
  /**
   * Load ONNX Runtime.
   *
   * @param folder URL of the folder with its files
   * @param device "webgpu" or "wasm"
   * @param threads of wasm; by default as many as there are, where the page is isolated
   */
  static async load(folder, device, threads) {
    const [bundle, core] = FILES[device];
    const ort = await import(folder + bundle).catch((error) => {
      // What the browser says of it is this address once more.
      throw new Problem("model", `${folder}${bundle} cannot be loaded`, { cause: error });
    });
    ort.env.wasm.wasmPaths = { mjs: `${folder}${core}.js`, wasm: `${folder}${core}.wasm` };
    ort.env.logLevel = "error";
    const own = globalThis.crossOriginIsolated ? (navigator.hardwareConcurrency ?? 1) : 1;
    ort.env.wasm.numThreads = threads ?? Math.min(own, THREADS);
    return new Runtime(ort, device);
  }

  constructor(ort, device) {
    this.ort = ort;
    this.device = device;
  }

  /** Number of threads of wasm. */
  get threads() {
    return this.ort.env.wasm.numThreads;
  }

  /** Version of ONNX Runtime. */
  get version() {
    return this.ort.env.versions.common;
  }

  /** The same bundle, computing in wasm. */
  get onWasm() {
    return new Runtime(this.ort, "wasm");
  }

  /** The GPU, once there is a session on it. */
  get gpu() {
    return this.ort.env.webgpu.device;
  }

  /**
   * Load a graph.
   *
   * @param graph bytes of its file
   * @param weights {path, data} of the file that it refers to, if it does
   * @param sizes lengths of its free dimensions
   * @param kept names of the outputs that stay on a GPU; the others are read
   */
  session(graph, { weights, sizes, kept = [] }) {
    const gpu = this.device === "webgpu";
    const places = Object.fromEntries(kept.map((name) => [name, "gpu-buffer"]));
    return this.ort.InferenceSession.create(graph, {
      executionProviders: [gpu ? { name: "webgpu", preferredLayout: "NCHW" } : "wasm"],
      externalData: weights ? [weights] : [],
      freeDimensionOverrides: sizes ?? {},
      // All arithmetic of shapes is done beforehand, so no node is left for the CPU.
      ...(gpu && { extra: { session: { disable_cpu_ep_fallback: "1" } } }),
      ...(gpu && { preferredOutputLocation: places }),
    });
  }

  /** Return floats as a tensor where the device computes. */
  place(data, dims) {
    if (this.device !== "webgpu" || dims.length === 0) return this.host(data, dims);
    const bytes = Math.ceil(data.byteLength / ALIGNED) * ALIGNED;
    const { STORAGE, COPY_SRC, COPY_DST } = GPUBufferUsage;
    const usage = STORAGE | COPY_SRC | COPY_DST;
    const buffer = this.gpu.createBuffer({ size: bytes, usage });
    this.gpu.queue.writeBuffer(buffer, 0, data);
    return this.ort.Tensor.fromGpuBuffer(buffer, {
      dataType: "float32",
      dims,
      dispose: () => buffer.destroy(),
      download: () => this.#downloaded(buffer, data.length),
    });
  }

  /** Return floats as a tensor in the memory of the host. */
  host(data, dims) {
    return new this.ort.Tensor("float32", data, dims);
  }

  async #downloaded(buffer, length) {
    const { COPY_DST, MAP_READ } = GPUBufferUsage;
    const copy = this.gpu.createBuffer({ size: buffer.size, usage: COPY_DST | MAP_READ });
    const encoder = this.gpu.createCommandEncoder();
    encoder.copyBufferToBuffer(buffer, 0, copy, 0, buffer.size);
    this.gpu.queue.submit([encoder.finish()]);
    await copy.mapAsync(GPUMapMode.READ);
    const data = new Float32Array(copy.getMappedRange().slice(0), 0, length);
    copy.destroy();
    return data;
  }
}
