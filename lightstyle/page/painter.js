// Paints the jobs of this device, one after another: in whichever tab has the turn.

import { HOME } from "./database.js";
import * as journal from "./journal.js";
import { isFinal, newKey } from "./problem.js";

/** Times in a row that a page may die over a job that comes no further. */
const DEATHS = 3;

/**
 * Whose starts are deaths: where each tab paints, only its own, which a reload leaves its name.
 */
const SELF = navigator.locks ? "any" : (window.name ||= newKey());

let engine, working, current;

/** Say which engine paints, and begin with what is there. */
export function begin(chosen) {
  engine = chosen;
  journal.hear(({ id, kind }) => {
    if (id === current?.id && (kind === "cancel" || kind === "erased")) current.stop.abort();
  });
  work();
}

/**
 * Paint until nothing is left.
 *
 * Of all tabs one paints; when it is closed, the next one goes on from the state that was
 * saved last. Plain HTTP has no locks: there every open tab paints the same job, and the last
 * one that ends leaves its result.
 */
export function work() {
  const alone = (job) => (navigator.locks ? navigator.locks.request(HOME, job) : job());
  working ??= alone(paintAll).finally(async () => {
    working = undefined;
    if (await next()) work(); // it came in the last moment
  });
}

async function paintAll() {
  for (let job; (job = await next()); ) await paint(job);
}

/** The job whose turn it is: one that was begun, or that has waited longest. */
async function next() {
  const open = (await journal.all()).filter(({ state }) => !isFinal(state));
  const turn = ({ state, created }) => [state === "queued" ? 1 : 0, created];
  return open.sort((a, b) => turn(a)[0] - turn(b)[0] || turn(a)[1] - turn(b)[1])[0];
}

async function paint({ id, state, starts, params, pictures }) {
  current = { id, stop: new AbortController() };
  const end = (how, values, kept) => journal.record(id, "state", { state: how, ...values }, kept);
  const isStopped = state === "cancelling"; // by another tab, before this one had its turn
  try {
    const saved = await journal.blob(id, "saved");
    if (isStopped && !saved) return await end("cancelled");
    if (starts[SELF] >= DEATHS)
      return await end("failed", { code: "worker_crashed", reason: `The page was closed ${DEATHS} times in this picture, perhaps for lack of memory: choose a smaller size.` });
    if (isStopped) current.stop.abort();
    else if ((await end("running", { by: SELF }))?.state !== "running") return; // deleted
    const asked = { job: params.job, params, pictures: await fetched(id, pictures), saved };
    const told = listeners(id);
    const { blob, outcome } = await engine.paint(asked, told.heard, current.stop.signal);
    await told.written();
    const how = outcome.cancelled ? "cancelled" : "done";
    const kept = { result: blob ?? undefined, ...(how === "done" && { saved: undefined }) };
    await end(how, { ...outcome, picture: blob !== null }, kept);
  } catch (error) {
    await end("failed", { code: error.code ?? "internal", reason: sentence(error) }).catch(() => {});
  } finally {
    current = undefined;
  }
}

/** What the engine tells of a run, written down in the order in which it comes. */
function listeners(id) {
  let writing = Promise.resolve(), version, fault;
  const write = (work) => {
    writing = writing.then(work).catch((error) => (fault ??= error));
  };
  const heard = {
    progress: (values) => write(() => journal.record(id, "progress", values)),
    preview: (blob) => write(async () => {
      version ??= (await journal.get(id))?.preview ?? 0;
      await journal.record(id, "preview", { version: ++version }, { preview: blob });
    }),
    saved: (state) => write(() => journal.keep(id, "saved", state).catch(() => {})), // no room
  };
  const written = async () => {
    await writing;
    if (fault) throw fault;
  };
  return { heard, written };
}

async function fetched(id, pictures) {
  const roles = Object.entries(pictures).map(async ([role, names]) =>
    [role, await Promise.all(names.map((_, number) => journal.blob(id, `${role}/${number}`)))]);
  return Object.fromEntries(await Promise.all(roles));
}

function sentence(error) {
  if (error.name === "QuotaExceededError") return "The browser has no room left: delete earlier pictures.";
  return error.message || String(error);
}
