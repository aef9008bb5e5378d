// The worker in which the engine computes: it is asked, and tells the page.

import { fetched } from "./fetched.js";
import { Job } from "./job.js";
import { Plan } from "./memory.js";
import { Model } from "./model.js";
import { Problem } from "./problem.js";
import { Runtime } from "./runtime.js";
import { fault } from "./self_test.js";
import { completed, schemaOn } from "./settings.js";

let opened, schema; // the model and the settings, loaded when they are needed
const jobs = new Map();

/** What can be asked: each returns the answer. */
const answers = {
  /** Load ONNX Runtime on a device, and say where everything else is. */
  async open({ runtime, model, settings, device, threads }) {
    const own = await Runtime.load(runtime, device, threads);
    opened = once(() => Model.load(own, model));
    schema = once(async () => schemaOn(device, await (await fetched(settings)).json()));
    return own.threads;
  },

  /** Return what is wrong with the GPU; empty if nothing is. */
  test: async () => fault(await opened()),

  async estimate({ width, height, settings }) {
    const { info, runtime } = await opened();
    const all = completed(await schema(), settings ?? {});
    const { bytes, size, word } = Plan.of(info.costs, runtime.device, [width, height], all);
    return { bytes, size, word };
  },

  async paint(asked, id) {
    const tell = (event) => (value) => postMessage({ id, event, value });
    const give = (value) => postMessage({ id, event: "saved", value }, buffersOf(value.descent));
    const told = { progress: tell("progress"), preview: tell("preview"), saved: give };
    const job = new Job(() => Promise.all([opened(), schema()]), asked, told);
    jobs.set(id, job);
    try {
      return await job.paint();
    } finally {
      jobs.delete(id);
    }
  },

  cancel: ({ of }) => jobs.get(of)?.cancel(),
};

onmessage = async ({ data: { id, ask, given } }) => {
  try {
    postMessage({ id, answer: await answers[ask](given, id) });
  } catch (error) {
    postMessage({ id, problem: problemOf(error) });
  }
};

/** The memory of a saved descent, which is handed over and not copied. */
const buffersOf = ({ image, state }) =>
  [image, ...Object.values(state ?? {}).map(({ data }) => data)].map(({ buffer }) => buffer);

/** Do something the first time; once it has failed, again. */
function once(work) {
  let done;
  return () =>
    (done ??= work().catch((error) => {
      done = undefined;
      throw error;
    }));
}

/** Describe an error with a code and a sentence. */
function problemOf(error) {
  if (error instanceof Problem) return { code: error.code, message: error.message };
  const said = String(error?.message ?? error);
  if (/alloc|out of memory|memory access|abort/i.test(said))
    return { code: "device", message: "the memory does not suffice: choose a smaller size" };
  if (/webgpu|gpu|device/i.test(said))
    return { code: "device", message: `the GPU does not go on: ${said}` };
  return { code: "internal", message: said };
}
