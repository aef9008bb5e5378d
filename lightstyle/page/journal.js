// The jobs of this device, in the browser's storage: every change is an event, as on the
// server, and all tabs hear of it.

import { HOME, eventsAfter, ofJob, within } from "./database.js";
import { isFinal } from "./problem.js";

// A channel does not hear itself: with two, this tab hears as the others do.
const saying = new BroadcastChannel(HOME), hearing = new BroadcastChannel(HOME);

/** Hear of what happens to jobs; returns what ends it. */
export function hear(told) {
  const heard = ({ data }) => told(data);
  hearing.addEventListener("message", heard);
  return () => hearing.removeEventListener("message", heard);
}

/** Tell all tabs something of a job. */
export const say = (id, kind) => saying.postMessage({ id, kind });

export const all = () => within(["jobs"], (jobs) => jobs.getAll());

/** A job; nothing if there is no such job. */
export const get = (id) => within(["jobs"], (jobs) => jobs.get(id));

/** The events of a job after a number, the oldest first. */
export const events = (id, after) =>
  within(["events"], (store) => store.getAll(eventsAfter(id, after)));

/** Something that is kept for a job: `content/0`, `preview`, `result`, `saved`. */
export const blob = (id, name) => within(["blobs"], (blobs) => blobs.get(`${id}/${name}`));

/** Keep a new job with its pictures, which have names such as `content/0`. */
export async function add(job, pictures) {
  const kept = { ...job, events: 0, state: "queued", since: now(), attempt: 0, starts: {}, furthest: 0, preview: 0 };
  await within(["jobs", "blobs"], (jobs, blobs) => {
    jobs.put(kept, job.id);
    for (const [name, file] of Object.entries(pictures)) blobs.put(file, `${job.id}/${name}`);
  });
  await record(job.id, "state", { state: "queued" });
}

/**
 * Write an event, and with it things to keep (or, where there is none, to keep no longer).
 *
 * Returns the job, or nothing if it was deleted: nobody writes to it then.
 */
export async function record(id, kind, values, kept = {}) {
  let job;
  await within(["jobs", "events", "blobs"], (jobs, events, blobs) => {
    jobs.get(id).onsuccess = ({ target }) => {
      job = target.result;
      if (!job) return;
      change(job, kind, values);
      job.events += 1;
      jobs.put(job, id);
      events.put({ kind, values, number: job.events }, [id, job.events]);
      for (const [name, value] of Object.entries(kept))
        if (value === undefined) blobs.delete(`${id}/${name}`);
        else blobs.put(value, `${id}/${name}`);
    };
  });
  if (job) say(id, kind);
  return job;
}

/** Keep something for a job, unless it was deleted. */
export const keep = (id, name, value) =>
  within(["jobs", "blobs"], (jobs, blobs) => {
    jobs.getKey(id).onsuccess = ({ target }) => target.result && blobs.put(value, `${id}/${name}`);
  });

/** Remove everything of a job. */
export async function erase(id) {
  await within(["jobs", "events", "blobs"], (jobs, events, blobs) => {
    jobs.delete(id);
    events.delete(eventsAfter(id, 0));
    blobs.delete(ofJob(id));
  });
  say(id, "erased");
}

function change(job, kind, values) {
  if (kind === "preview") job.preview = values.version;
  if (kind === "progress") {
    job.progress = values;
    if (values.evaluation > job.furthest) {
      job.furthest = values.evaluation;
      job.starts = {}; // as often as each has died over it without coming any further
    }
  }
  if (kind !== "state") return;
  if (values.state === "running") {
    job.attempt += 1;
    job.starts[values.by] = (job.starts[values.by] ?? 0) + 1;
  }
  if (values.retry) job.starts = {};
  if (values.state !== "cancelling") job.since = now();
  job.state = values.state;
  job.outcome = isFinal(values.state) ? values : null;
}

const now = () => Date.now() / 1000;
