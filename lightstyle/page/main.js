// The page: which view is open, by the address, and what leads from one to another.

import { answered, find } from "./dom.js";
import { Form } from "./form.js";
import { Frames } from "./frames.js";
import { Gallery } from "./gallery.js";
import { JobView } from "./job.js";
import * as server from "./server.js";

let view;

server.onStranger(logIn);
find("login").addEventListener("cancel", (event) => event.preventDefault());
const [asked, limits] = await patient(() => Promise.all([server.settings(), server.limits()]));
const gallery = new Gallery(go);
let form;
const frames = new Frames(limits, changed);
form = new Form(asked, find("front"), find("rest"), () => form && changed());
let key;
changed();
find("new").addEventListener("submit", paint);
find("defaults").addEventListener("click", () => form.reset());
addEventListener("hashchange", () => route(true));
route(false);
gallery.refresh();
frames.recall();

/** Open the view that the address names. */
function route(moved) {
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
    view = new JobView(id, told, asked);
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
  key = undefined;
  frames.show(form.roles);
  find("refusal").textContent = "";
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
  button.textContent = "Sending…";
  key ??= server.newKey();
  try {
    const params = { ...form.params, name: frames.name };
    const { id } = await server.submit(params, [...frames.pictures, ...form.pictures], key);
    form.refuse([]);
    key = undefined;
    go(id);
  } catch (problem) {
    if (problem instanceof server.Problem) {
      key = undefined;
      const others = form.refuse(problem.errors);
      refusal.textContent = problem.errors.length
        ? others.map(({ message }) => message).join("; ") || "One of the settings is not possible."
        : `${problem.title}: ${problem.message}.`;
    } else refusal.textContent = "The server does not answer. Try again: the picture is painted once.";
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
    [role, await server.fetched(id, role, number, stem[role])]));
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
