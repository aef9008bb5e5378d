// This device as the page sees it: the functions of `server.js`, with the engine of the
// page in place of the server. Pictures stay in the browser's storage.

import { commandLine } from "./command.js";
import * as journal from "./journal.js";
import { measured } from "./measure.js";
import { recall, remember } from "./engine/remembered.js";
import { schemaOn } from "./engine/settings.js";
import * as painter from "./painter.js";
import { Problem, isFinal } from "./problem.js";
import { url } from "./urls.js";

/** What the names of its jobs begin with. */
export const PREFIX = "device-";

export const place = "on this device";

const ABOUT = "lightstyle-device";

let raw, engine, finding;

const here = (path) => new URL(path, import.meta.url);

/**
 * Load the engine, and find out what it runs on: `device`, `threads`, and in words `note`;
 * `isNew` if that is not what the settings were for. Once it has failed, try again.
 */
export function about() {
  finding ??= found().catch((error) => {
    finding = undefined;
    throw error;
  });
  return finding;
}

async function found() {
  const { Engine } = await import("./engine/engine.js");
  engine = new Engine({
    runtime: here("ort/"), model: here("model/vgg19-lite.onnx"), settings: here("settings.json"),
  });
  const now = await engine.about();
  const isNew = now.device !== assumed();
  remember(ABOUT, now.device);
  painter.begin(engine);
  return { ...now, isNew };
}

/** What it was the last time. */
const assumed = () => (recall(ABOUT) === "webgpu" ? "webgpu" : "wasm");

/** Go on with what is not finished, if anything is. */
export async function wake() {
  if ((await journal.all()).every(({ state }) => isFinal(state))) return;
  await about();
  painter.work();
}

/** What can be asked for; until the device is known, what it was the last time. */
export async function settings() {
  raw ??= await (await fetch(here("settings.json"))).json();
  const { Engine } = await import("./engine/engine.js");
  const { supports } = Engine;
  const schema = schemaOn(assumed(), raw);
  const properties = Object.fromEntries(Object.entries(schema.properties).map(([name, each]) => {
    const done = supports.settings[name] ?? "This device cannot do it.";
    return [name, { ...each, ...(done !== true && { "x-refused": done }) }];
  }));
  const refused = Object.entries(supports.jobs).filter(([, done]) => done !== true);
  return { ...raw, settings: { ...schema, properties }, refused: Object.fromEntries(refused) };
}

export const limits = async () => (await settings()).limits;

/** What is needed to paint here without a network, by paths in the site. */
export const files = async () => (await settings()).devices[(await about()).device].files;

/** Say in a sentence if a picture would become smaller than was asked for. */
export async function forecast(params, [content]) {
  await about();
  const { width, height } = params.size ? sides(params.size) : await measured(content);
  return (await engine.estimate({ width, height, settings: params.settings })).word ?? "";
}

const sides = ([width, height]) => ({ width, height });

/** Settings whose defaults are the device's own. */
async function implied() {
  const { devices, settings: { properties } } = await settings();
  return Object.fromEntries(Object.keys(devices[assumed()].settings).map((name) => [name, properties[name].default]));
}

/** Some jobs, the newest first, and where the next ones begin. */
export async function list(before = Infinity) {
  const all = await journal.all(), offered = await settings();
  const jobs = all.filter(({ created }) => created < before);
  jobs.sort((a, b) => b.created - a.created);
  const some = jobs.slice(0, 24);
  const next = jobs.length > some.length ? some.at(-1).created : null;
  return { jobs: some.map((job) => described(job, all, offered)), next };
}

export async function status(id) {
  const job = await journal.get(id);
  if (!job) throw new Problem(404, { code: "not_found", detail: "There is no such picture." });
  return described(job, await journal.all(), await settings());
}

/** A job as the server describes one. */
function described(job, all, offered) {
  const before = all.filter(({ state, created }) => state === "queued" && created <= job.created);
  const counts = Object.entries(job.pictures).map(([role, { length }]) => [role, length]);
  return {
    ...job,
    position: job.state === "queued" ? before.length : null,
    params: { ...job.params, pictures: Object.fromEntries(counts) },
    command: commandLine(job.params, job.pictures, offered),
  };
}

/** Queue a job. The same `key` gives the same job again. */
export async function submit(params, files, key) {
  const same = (await journal.all()).find((job) => job.key === key);
  if (same) return status(same.id);
  const { again, go_on: goOn, ...asked } = params;
  const given = {};
  for (const [role, file] of files) (given[role] ??= []).push(file);
  if (again) await addEarlier(given, again, goOn, asked);
  const content = given.content?.[0];
  for (const [role, some] of Object.entries(given))
    for (const file of some) await checked(role, file);
  asked.model ??= raw.model;
  asked.settings = { ...(await implied()), ...asked.settings };
  const note = await forecast(asked, [content]);
  const id = PREFIX + key, created = Date.now() / 1000;
  const pictures = {}, kept = {};
  for (const [role, some] of Object.entries(given)) {
    pictures[role] = some.map(({ name }) => name);
    some.forEach((file, number) => (kept[`${role}/${number}`] = file));
  }
  try {
    await navigator.storage?.persist?.();
    await journal.add({ id, key, created, params: asked, pictures, note }, kept);
  } catch (error) {
    const detail = "Delete earlier pictures, and try again";
    throw new Problem(507, { code: "quota", title: "The browser has no room left", detail });
  }
  await wake();
  return status(id);
}

/** Take what was not given from an earlier job. */
async function addEarlier(given, id, goOn, params) {
  const job = await journal.get(id);
  if (!job) throw new Problem(422, { title: "That picture is gone", detail: "It was deleted" });
  for (const [role, names] of Object.entries(job.pictures)) {
    if (given[role] || role in params.settings || (goOn && role === "init")) continue;
    given[role] = await Promise.all(names.map((name, number) => asFile(id, `${role}/${number}`, name)));
  }
  if (goOn) given.init = [await asFile(id, "result", "out.png")];
}

async function asFile(id, name, called) {
  const blob = await journal.blob(id, name);
  return new File([blob], called, { type: blob.type });
}

/** Refuse what is no picture, or too large a one. */
async function checked(role, file) {
  const { pixels, side } = await limits();
  const { width, height } = await measured(file).catch(() => {
    throw new Problem(415, { code: "format", title: "Pictures of this format are not taken", detail: `${file.name} is no picture, or damaged` });
  });
  if (width * height <= pixels && Math.max(width, height) <= side) return;
  throw new Problem(422, {
    code: "pixels",
    title: "The picture has too many pixels",
    detail: `${file.name} has ${width} × ${height} pixels, expected at most ${pixels / 1e6} million and ${side} a side: make the picture smaller`,
  });
}

/** End a job early; its best picture stays. */
export async function cancel(id) {
  const { state } = await status(id);
  await journal.record(id, "state", { state: state === "queued" ? "cancelled" : "cancelling" });
  journal.say(id, "cancel");
  await wake();
}

/** Continue a job that failed or was cancelled. */
export async function retry(id) {
  await journal.record(id, "state", { state: "queued", retry: true });
  await wake();
}

/** Remove everything of a job. */
export const remove = (id) => journal.erase(id);

export const preview = (id, version) => url(id, "preview", version);
export const result = async (id, told) => {
  const { since } = await status(id);
  if (told !== false) return url(id, "result", since);
  const { bare } = await import("./engine/png.js");
  return URL.createObjectURL(await bare(await journal.blob(id, "result")));
};
export const sent = (id, role, number = 0) => url(id, `${role}/${number}`, 0);

/** What a browser calls a result. */
export const named = ({ params }) =>
  `lightstyle-${(params.name || "picture").replace(/[^\p{L}\p{N}]+/gu, "-").slice(0, 60)}.png`;

/** A picture that was sent, as a file. */
export const fetched = async (id, role, number) => {
  const { pictures } = await journal.get(id);
  return asFile(id, `${role}/${number}`, pictures[role][number]);
};

/** Follow a job by its events; `told` is as for the server. Returns what ends it. */
export function watch(id, told) {
  let last = 0, pulling = Promise.resolve(), over = false;
  const pull = async (all) => {
    if (over) return;
    let turned = all;
    for (const { kind, values, number } of await journal.events(id, last)) {
      if (over) return;
      last = number;
      turned ||= kind === "state";
      told.event(kind, values);
    }
    if (!turned) return;
    const now = await status(id).catch(({ status: code }) => (code === 404 ? null : undefined));
    if (over || now === undefined) return;
    if (now) told.status(now);
    else told.gone();
  };
  const soon = (all) => (pulling = pulling.then(() => pull(all)));
  const end = journal.hear((news) => {
    if (news.id === id) soon(news.kind === "erased");
    else if (news.kind === "state") soon(true); // its place in the queue may be another
  });
  soon(true);
  wake().catch(() => {});
  return () => {
    over = true;
    end();
  };
}
