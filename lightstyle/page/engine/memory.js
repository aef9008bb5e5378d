// What a picture takes in memory, and the size that fits.

import { contract, devices, plan } from "./constants.js";
import { Frame } from "./frame.js";
import { area, fittedSize, named } from "./sizes.js";

// What counts is the tab's memory while it paints, without Chromium's own files: in wasm about 400
// MB at 256 × 192, and 600 to 700 MB at 512 × 384, as `python -m tests.benchmarks.edge` prints.

/** Bytes of the page, ONNX Runtime, the model and its kernels. */
const FIXED = { wasm: 320e6, webgpu: 360e6 };

/** Bytes for each pixel of the canvas besides: pictures, features, copies of outputs. */
const PIXEL = 200;

/** Share of the memory that a browser says it has, 8 GB at most, that a tab may take. */
const SHARE = 0.3;

/** Bytes that a tab may take where the browser does not say. */
const USUAL = 1e9;

/** Bytes of the history for each pixel and step. */
const PAIR = { wasm: 24, webgpu: 48 }; // WebGPU writes a new one beside the old

/** The size of a picture, and how many steps are remembered, as the memory allows. */
export class Plan {
  constructor(size, pairs, bytes, word) {
    Object.assign(this, { size, pairs, bytes, word });
  }

  /**
   * @param costs of the model
   * @param device "wasm" or "webgpu"
   * @param own size of the content
   * @param settings of the run
   */
  static of(costs, device, own, { size: asked, enlarge }) {
    const most = SHARE * (navigator.deviceMemory ?? 0) * 1e9 || USUAL;
    const wanted = fittedSize(own, asked, enlarge, "content");
    let longest = Math.min(Math.max(...wanted), devices.LARGEST[device]);
    for (;;) {
      const size = fittedSize(own, longest, enlarge, "content");
      for (const pairs of plan.HISTORIES) {
        const bytes = needed(costs, device, size, pairs);
        if (bytes <= most || longest <= contract.MINIMUM_SIDE)
          return new Plan(size, pairs, bytes, lowered(wanted, size, device, most));
      }
      longest = Math.max(contract.MINIMUM_SIDE, Math.floor((longest * 7) / 8 / 16) * 16);
    }
  }
}

function needed(costs, device, size, pairs) {
  const pixels = area(new Frame(size).canvas);
  return FIXED[device] + pixels * (costs.whole + PIXEL + PAIR[device] * (pairs + 1));
}

function lowered(wanted, size, device, most) {
  if (named(wanted) === named(size)) return "";
  const where = device === "wasm" ? "without a GPU" : "on this GPU";
  const longest = Math.max(...size);
  const reason =
    longest === devices.LARGEST[device]
      ? `at most ${longest} pixels are painted ${where}`
      : `a tab may take about ${(most / 1e9).toFixed(1)} GB here`;
  return `painted at ${size.join("×")} instead of ${wanted.join("×")}: ${reason}`;
}
