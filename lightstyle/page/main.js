// The page: which view is open, by the address, and what leads from one to another.

import { answered, find } from "./dom.js";
import { Form } from "./form.js";
import { Frames } from "./frames.js";
import { Gallery } from "./gallery.js";
import { JobView } from "./job.js";
import { device, of, server } from "./engines.js";
import { keep, settle } from "./offline.js";
import { Problem, newKey } from "./problem.js";
import { Where } from "./where.js";

let view, form, frames, asked, key, foreseeing;

server?.onStranger(logIn);
find("login").addEventListener("cancel", (event) => event.preventDefault());
if (!server) await settle(newer);
const where = new Where(show);
const gallery = new Gallery(go);
await show();
find("new").addEventListener("submit", paint);
find("defaults").addEventListener("click", () => form.reset());
addEventListener("hashchange", () => route(true));
await route(false);
gallery.refresh();
frames.recall();
where.look();
if (!server) device.files().then(keep, () => {});
else device?.wake();

/** Make the form for the engine that is chosen; what was entered stays. */
async function show() {
  const { engine } = where;
  const [offered, limits] = await patient(() => Promise.all([engine.settings(), engine.limits()]));
  if (engine !== where.engine) return;
  asked = offered;
  const rules = { types: asked.types, most: asked.most, file: limits.file };
  if (frames) frames.rules = rules;
  else frames = new Frames(rules, changed);
  form = undefined;
  form = new Form(asked, find("front"), find("rest"), changed);
  changed();
}

/** Say that there is a newer page. */
function newer(load) {
  find("newer").hidden = false;
  find("newer").querySelector("button").onclick = load;
}

/** Open the view that the address names. */
async function route(moved) {
  const [page, id] = location.hash.slice(1).split("/");
  view?.close();
  view = undefined;
  find("lost").hidden = true;
  find("work").hidden = page !== "jobs";
  find("new").hidden = page === "jobs" || page === "gallery";
  find("gallery").hidden = false;
  find("gallery").classList.toggle("alone", page === "gallery");
  document.title = page === "gallery" ? "Gallery · Lightstyle" : "Lightstyle";
  for (const link of document.querySelectorAll("nav a"))
    link.ariaCurrent = link.hash === `#${page || "new"}` ? "page" : null;
  if (page === "jobs") {
    const lost = (is) => (find("lost").hidden = !is);
    const told = { go, again, lost, changed: () => gallery.refresh() };
    const offered = of(id) === where.engine ? asked : await patient(() => of(id).settings());
    if (location.hash === `#jobs/${id}`) view = new JobView(id, told, offered);
  }
  if (!moved) return;
  scrollTo(0, 0);
  const title = page === "gallery" ? find("gallery-title") : document.querySelector("main > :not([hidden]) h1");
  title?.focus();
}

/** Open a job, or the form. */
function go(id) {
  location.hash = id ? `jobs/${id}` : "new";
  gallery.refresh();
}

function changed() {
  if (!form) return;
  key = undefined;
  frames.show(form.roles);
  find("refusal").textContent = "";
  clearTimeout(foreseeing);
  foreseeing = setTimeout(foresee, 300);
}

/** Say if the picture would become smaller than asked for. */
async function foresee() {
  const { engine } = where, content = frames.files.content[0];
  const asks = engine.forecast && content && form.roles.includes("content");
  const word = asks ? await engine.forecast(form.params, [content]).catch(() => "") : "";
  if (engine === where.engine && content === frames.files.content[0]) find("forecast").textContent = word;
}

async function paint(event) {
  event.preventDefault();
  const { missing } = frames, refusal = find("refusal"), button = find("paint");
  if (missing) {
    refusal.textContent = `Choose ${missing} first.`;
    frames.parts[frames.roles.find((role) => !frames.files[role].length)].input.focus();
    return;
  }
  refusal.textContent = "";
  button.disabled = true;
  button.textContent = where.engine === server ? "Sending…" : "Preparing…";
  key ??= newKey();
  try {
    const params = { ...form.params, name: frames.name };
    const { id } = await where.engine.submit(params, [...frames.pictures, ...form.pictures], key);
    form.refuse([]);
    key = undefined;
    go(id);
  } catch (problem) {
    if (problem instanceof Problem) {
      key = undefined;
      const others = form.refuse(problem.errors);
      refusal.textContent = problem.errors.length
        ? others.map(({ message }) => message).join("; ") || "One of the settings is not possible."
        : `${problem.title}: ${problem.message}.`;
    } else if (where.engine === server)
      refusal.textContent = "The server does not answer. Try again: the picture is painted once.";
    else refusal.textContent = problem.message;
  } finally {
    button.disabled = false;
    button.textContent = "Paint";
  }
}

/** Fill the form with the settings and the pictures of a job. */
async function again({ id, params }) {
  const wanted = Object.entries(params.pictures)
    .flatMap(([role, count]) => Array.from({ length: count }, (_, number) => [role, number]));
  const [content, ...styles] = params.name.split(" after ");
  const stem = { content: content || "photo", style: styles.join(" after ") || content || "painting" };
  const files = await Promise.all(wanted.map(async ([role, number]) =>
    [role, await of(id).fetched(id, role, number, stem[role])]));
  form.fill(params);
  frames.clear();
  for (const [role, file] of files) (role in frames.parts ? frames : form).add([file], role);
  location.hash = "new";
}

/** Do something until it works: the server may not be up yet. */
async function patient(work) {
  for (;;) {
    try {
      const done = await work();
      find("lost").hidden = true;
      return done;
    } catch {
      find("lost").hidden = false;
      await new Promise((after) => setTimeout(after, 2000));
    }
  }
}

/** Ask for the token until it is right. */
async function logIn() {
  for (;;) {
    await answered(find("login"));
    try {
      await server.openSession(find("token").value);
      return;
    } catch (problem) {
      find("login-refusal").textContent = problem.message;
    }
  }
}
