// Style transfer on this device: what a page uses. The work is done in a worker.
//
//     const engine = new Engine();
//     const { blob } = await engine.paint({ pictures: { content: [photo], style: [painting] } });

import { VERSION } from "./constants.js";
import { Problem } from "./problem.js";
import { recall, remember } from "./remembered.js";
import { supports } from "./supports.js";

const beside = (path) => new URL(path, import.meta.url).href;

/** Under which name it is remembered what the GPU's test has found. */
const VERDICT = "lightstyle.gpu";

export class Engine {
  static supports = supports;

  #files;
  #wanted;
  #worker;
  #pending = new Map();
  #last = 0;
  #about;

  /**
   * @param runtime URL of the folder with the files of onnxruntime-web
   * @param model URL of the model's evaluation graph; its other files lie beside it
   * @param settings URL of the settings, as `GET /v1/settings` answers
   * @param device "wasm" or "webgpu"; by default a GPU that works, or else wasm
   * @param threads threads of wasm; by default as many as there are
   */
  constructor({ runtime, model, settings, device, threads } = {}) {
    this.#files = {
      runtime: new URL(runtime ?? beside("../ort/"), location).href,
      model: new URL(model ?? beside("../model/vgg19-lite.onnx"), location).href,
      settings: new URL(settings ?? beside("../settings.json"), location).href,
      threads,
    };
    this.#wanted = device;
  }

  /** Say where it computes: {device, threads, note}. Once it has failed, try again. */
  about() {
    return (this.#about ??= this.#orClosed(this.#chosen()));
  }

  /** Say what a picture would need: {bytes, size, word}, `word` if it is painted smaller. */
  async estimate(asked) {
    await this.about();
    return this.#ask("estimate", asked);
  }

  /**
   * Paint a picture.
   *
   * @param asked {job, params, pictures: {content: [Blob], style: [Blob, …]}, saved}
   * @param told `progress(values)`, `preview(blob)`, `saved(state)`, each if it is wanted
   * @param signal an AbortSignal that ends it with the best picture so far
   * @returns {Promise<{blob: Blob | null, outcome: object}>}
   */
  async paint(asked, told = {}, signal = undefined) {
    const notes = [];
    let { saved } = asked;
    const keep = (state) => {
      saved = state;
      told.saved?.(state);
    };
    const heard = { ...told, saved: keep };
    for (let again = 0; ; again++) {
      const { device } = await this.about();
      try {
        const given = { job: "stylize", params: {}, ...asked, saved };
        const { blob, outcome } = await this.#ask("paint", given, heard, signal);
        return { blob, outcome: { ...outcome, notes: [...notes, ...outcome.notes] } };
      } catch (problem) {
        if (problem.code === "device") this.close(); // what has failed may not work again
        if (problem.code !== "device" || device !== "webgpu") throw problem;
        notes.push(`The GPU was lost and the picture went on: ${problem.message}`);
        const next = this.#on(again ? "wasm" : "webgpu", "The GPU was lost.");
        this.#about = this.#orClosed(next);
      }
    }
  }

  /** End the worker, and whatever it does; the next call starts another. */
  close() {
    this.#end(new Problem("closed", "the engine was closed"));
  }

  async #chosen() {
    if (this.#wanted === "wasm") return this.#on("wasm", "");
    const adapter = await globalThis.navigator?.gpu?.requestAdapter().catch(() => null);
    if (!adapter) return this.#on("wasm", "This browser offers no GPU.");
    const { vendor, architecture, description, isFallbackAdapter } = adapter.info;
    if (isFallbackAdapter && this.#wanted !== "webgpu")
      return this.#on("wasm", "The GPU is one in software, which is slower than wasm.");
    const on = await this.#on("webgpu", "");
    const key = [vendor, architecture, description, VERSION, this.#files.runtime].join(" ");
    const verdict = recall(VERDICT);
    const fault = verdict?.key === key ? verdict.fault : await this.#tested(key);
    if (!fault) return on;
    this.#worker.terminate();
    return this.#on("wasm", `The GPU is not used: ${fault}`);
  }

  /** Return what is wrong with the GPU; what stopped the test may be over the next time. */
  async #tested(key) {
    try {
      const fault = await this.#ask("test");
      remember(VERDICT, { key, fault });
      return fault;
    } catch (error) {
      return error.message;
    }
  }

  /** End the worker if what was begun fails, so that the next call starts another. */
  #orClosed(begun) {
    return begun.catch((error) => {
      this.close();
      throw error;
    });
  }

  /** Open a worker that computes on a device. */
  async #on(device, note) {
    this.#worker = new Worker(beside("./worker.js"), { type: "module" });
    this.#worker.onmessage = ({ data }) => this.#hear(data);
    this.#worker.onerror = (event) => {
      event.preventDefault();
      const said = event.message ?? "it cannot be loaded";
      this.#end(new Problem("device", `the engine has stopped: ${said}`));
    };
    const threads = await this.#ask("open", { ...this.#files, device });
    return { device, threads, note };
  }

  /** End the worker; what was asked of it gets a problem for an answer. */
  #end(problem) {
    this.#worker?.terminate();
    this.#about = undefined;
    const waiting = [...this.#pending.values()];
    this.#pending.clear();
    for (const { reject } of waiting) reject(problem);
  }

  #ask(ask, given, told = {}, signal = undefined) {
    const id = ++this.#last;
    const end = () => this.#worker.postMessage({ ask: "cancel", given: { of: id } });
    const answer = new Promise((resolve, reject) =>
      this.#pending.set(id, { resolve, reject, told }),
    );
    this.#worker.postMessage({ id, ask, given });
    if (signal?.aborted) end();
    signal?.addEventListener("abort", end);
    return answer.finally(() => signal?.removeEventListener("abort", end));
  }

  #hear({ id, event, value, problem, answer }) {
    const { resolve, reject, told } = this.#pending.get(id) ?? {};
    if (event) return told?.[event]?.(value);
    this.#pending.delete(id);
    if (problem) reject?.(new Problem(problem.code, problem.message));
    else resolve?.(answer);
  }
}
