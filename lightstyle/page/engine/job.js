// A job: from the files of pictures to the file of the result.

import { decoded } from "./decode.js";
import { Inputs } from "./inputs.js";
import { Plan } from "./memory.js";
import { preview as method } from "./constants.js";
import { toRgba } from "./picture.js";
import { encoded } from "./png.js";
import { Problem } from "./problem.js";
import { identity, recordOf } from "./record.js";
import { Run } from "./run.js";
import { completed } from "./settings.js";
import { supports } from "./supports.js";

/**
 * Least seconds between two previews, and between two states that are saved: 30 MB at 256 px,
 * which the page needs 0.2 s to write.
 */
const [PREVIEWS, SAVED] = [1.5, 10];

/** Says when something is due again, so that it costs no more than 4 % of the time. */
class Clock {
  #next = 0;

  constructor(seconds) {
    this.least = seconds * 1000;
  }

  get due() {
    return performance.now() >= this.#next;
  }

  done(began) {
    const now = performance.now();
    this.#next = now + Math.max(this.least, method.SPARING * (now - began));
  }
}

/** The end of a job that was cancelled before there was a picture. */
class Cancelled extends Error {}

/** Let messages arrive: a worker that computes hears of nothing. */
function turn() {
  const { port1, port2 } = new MessageChannel();
  return new Promise((done) => {
    port1.onmessage = () => {
      port1.close();
      done();
    };
    port2.postMessage(null);
  });
}

export class Job {
  /**
   * @param loaded returns the model and the JSON schema of all settings, [model, schema]
   * @param asked {job, params, pictures, saved}, as `Engine.paint`
   * @param told `progress(values)`, `preview(blob)`, `saved(state)`
   */
  constructor(loaded, asked, told) {
    Object.assign(this, { loaded, asked, told });
    this.cancelled = false;
    this.notes = [];
    this.clocks = [new Clock(PREVIEWS), new Clock(SAVED)];
  }

  /** End it, with the best picture if there is one. */
  cancel() {
    this.cancelled = true;
    this.run?.cancel();
  }

  /** Paint. Returns {blob, outcome}; without a picture, `blob` is null. */
  async paint() {
    try {
      const run = (this.run = await this.#begun());
      const picture = await run.paint();
      const { loss, seconds, cancelled } = run;
      const notes = [...this.notes, ...picture.notes];
      const outcome = { loss, seconds, notes, ...(cancelled && { cancelled }) };
      return { blob: await this.#file(picture), outcome };
    } catch (error) {
      if (!(error instanceof Cancelled)) throw error;
      return { blob: null, outcome: { cancelled: true, notes: this.notes } };
    }
  }

  async #begun() {
    const { asked } = this;
    const [model, schema] = await this.loaded();
    const { job = "stylize", params, saved } = asked;
    if (supports.jobs[job] !== true)
      throw new Problem("settings", supports.jobs[job] ?? `${job} is no job`);
    const given = completed(schema, saved?.settings ?? params.settings ?? {});
    this.settings = { ...given, init: given.init ?? "content" };
    const pictures = await this.#pictures();
    const { runtime, info } = model;
    const plan = Plan.of(info.costs, runtime.device, pictures.content.original, this.settings);
    if (plan.word && !saved) this.notes.push(plan.word);
    const longest = saved?.longest ?? Math.max(...plan.size);
    const meant = schema.properties.strength["x-meant"];
    const inputs = new Inputs(this.settings, meant, info, pictures, longest);
    const pairs = saved?.pairs ?? plan.pairs;
    const run = new Run(model, inputs, pairs, saved, {
      evaluated: (progress) => this.#evaluated(progress),
      pause: () => this.#paused(),
    });
    if (this.cancelled && !saved) throw new Cancelled();
    if (this.cancelled) run.cancel();
    return run;
  }

  async #pictures() {
    const { size, style_scale } = this.settings;
    const { content, style, init } = this.asked.pictures;
    if (!content?.length || !style?.length)
      throw new Problem("settings", "a photo and a painting are needed");
    const wide = Math.ceil(size * Math.max(1, ...[style_scale].flat()));
    return {
      content: await decoded(content[0], "content", size),
      styles: await Promise.all(style.map((blob) => decoded(blob, "style", wide))),
      init: init?.length ? await decoded(init[0], "init", size) : null,
    };
  }

  async #paused() {
    await turn();
    if (this.cancelled && !this.run?.done) throw new Cancelled();
  }

  async #evaluated(progress) {
    this.told.progress(progress);
    const [previews, saved] = this.clocks;
    const began = performance.now();
    if (previews.due) {
      this.told.preview(await previewOf(await this.run.picture()));
      previews.done(began);
    }
    if (saved.due || this.run.levelEnds) {
      const again = performance.now();
      this.told.saved({ ...(await this.run.saved()), settings: this.settings });
      saved.done(again);
    }
  }

  async #file({ planes, alpha, size }) {
    const { pictures, job = "stylize" } = this.asked;
    const text = this.settings.metadata === "none" ? null : await this.#record(job, pictures);
    return encoded(toRgba(planes, alpha, size), size, alpha !== null, text);
  }

  async #record(job, { content, style, init = [] }) {
    const several = style.length > 1;
    const roles = [
      ["content", content[0]],
      ...style.map((blob, index) => [several ? `style ${index + 1}` : "style", blob]),
      ...init.map((blob) => ["init", blob]),
    ];
    const known = roles.map(async ([role, blob]) => [role, await identity(blob)]);
    const file = init.length ? { init: `./${init[0].name ?? "init.png"}` } : {};
    const settings = { ...this.settings, ...file };
    return recordOf(this.run, job, Object.fromEntries(await Promise.all(known)), settings);
  }
}

/** A JPEG of a picture, over white where it is transparent. */
async function previewOf({ planes, alpha, size }) {
  const image = new ImageData(toRgba(planes, alpha, size), ...size);
  const share = Math.min(1, method.LONGEST / Math.max(...size));
  const small = size.map((side) => Math.max(1, Math.round(side * share)));
  const canvas = new OffscreenCanvas(...small);
  const context = canvas.getContext("2d");
  context.fillStyle = "white";
  context.fillRect(0, 0, ...small);
  context.drawImage(await createImageBitmap(image), 0, 0, ...small);
  return canvas.convertToBlob({ type: "image/jpeg", quality: 0.85 });
}
