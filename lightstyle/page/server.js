// The server, as the page sees it: everything that the page asks of it goes through here,
// so that another module with the same functions, `device.js`, can stand in its place.

import { Problem, isFinal } from "./problem.js";

let letIn, entering;

/** Say what asks for a token when the server wants one. */
export function onStranger(ask) {
  letIn = ask;
}

async function ask(path, options = {}) {
  for (;;) {
    const answer = await fetch(path, options);
    if (answer.ok) return answer;
    const problem = new Problem(answer.status, await answer.json().catch(() => ({})));
    if (problem.code !== "token" || path === "v1/session") throw problem;
    // Requests that are refused together are let in together.
    await (entering ??= letIn().finally(() => (entering = undefined)));
  }
}

const json = async (path, options) => (await ask(path, options)).json();

/** Keep the token in a cookie. */
export const openSession = (token) =>
  ask("v1/session", {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ token }),
  });

/** What the page calls it. */
export const place = "";

/** What can be asked for: settings as a JSON schema, jobs, presets, models. */
export const settings = () => json("v1/settings");

export const limits = () => json("v1/limits");

/** Some jobs, the newest first, and where the next ones begin. */
export const list = (before) =>
  json(`v1/jobs?limit=24${before ? `&before=${before}` : ""}`);

export const status = (id) => json(`v1/jobs/${id}`);

/** Queue a job. The same `key` gives the same job again. */
export function submit(params, files, key) {
  const body = new FormData();
  body.append("params", JSON.stringify(params));
  for (const [role, file] of files) body.append(role, file, file.name);
  return json("v1/jobs", { method: "POST", headers: { "Idempotency-Key": key }, body });
}

/** End a job early; its best picture stays. */
export const cancel = (id) => json(`v1/jobs/${id}/cancel`, { method: "POST" });

/** Continue a job that failed or was cancelled. */
export const retry = (id) => json(`v1/jobs/${id}/retry`, { method: "POST" });

/** Remove everything of a job. */
export const remove = (id) => ask(`v1/jobs/${id}`, { method: "DELETE" });

export const preview = (id, version) => `v1/jobs/${id}/preview?v=${version}`;
export const result = (id, about) =>
  `v1/jobs/${id}/result${about === false ? "?metadata=false" : ""}`;

/** What a browser calls a result; the server says it. */
export const named = () => "";

export const sent = (id, role, number = 0) => `v1/jobs/${id}/pictures/${role}/${number}`;

/** A picture that was sent, as a file. */
export async function fetched(id, role, number, stem) {
  const blob = await (await ask(sent(id, role, number))).blob();
  const suffix = blob.type.split("/")[1].replace("jpeg", "jpg");
  return new File([blob], `${stem}.${suffix}`, { type: blob.type });
}

/**
 * Follow a job by its events, and by asking where these fail. Returns what ends it.
 *
 * There is one stream for the whole page, which is closed while nobody sees the page: a
 * browser has few connections to a server, and a phone that sleeps loses them anyway.
 *
 * `told.event(kind, values)`, `told.status(status)`, `told.gone()` and `told.lost(is)` hear
 * of it.
 */
export function watch(id, told) {
  let source, settling, last = 0, waits = true, over = false, ended = false, ticks = 0;

  const look = async (settled = false) => {
    try {
      const now = await status(id);
      if (ended) return;
      told.lost(false);
      told.status(now);
      over = settled && isFinal(now.state);
      if (over) source.close();
    } catch (problem) {
      if (ended) return;
      if (problem.status === 404 || problem.status === 410) {
        over = true;
        told.gone();
      } else told.lost(true);
    }
  };
  const heard = (kind) => (event) => {
    last = Number(event.lastEventId);
    const values = JSON.parse(event.data);
    clearTimeout(settling);
    if (kind === "state") {
      waits = values.state === "queued";
      // A job may have been retried: only what nothing follows is its end.
      const final = isFinal(values.state);
      settling = setTimeout(look, final ? 300 : 0, final);
    }
    told.event(kind, values);
  };
  const open = () => {
    source?.close();
    source = new EventSource(`v1/jobs/${id}/events?after=${last}`);
    for (const kind of ["state", "progress", "preview"])
      source.addEventListener(kind, heard(kind));
    source.addEventListener("open", () => told.lost(false));
  };
  const tick = () => {
    if (document.hidden || over) return;
    if (waits || source.readyState !== EventSource.OPEN) look();
    if (source.readyState === EventSource.CLOSED && ++ticks % 5 === 0) open();
  };
  const turned = () => {
    source?.close();
    if (document.hidden || over) return;
    open();
    look();
  };
  const timer = setInterval(tick, 2000);
  document.addEventListener("visibilitychange", turned);
  turned();
  return () => {
    ended = true;
    source?.close();
    clearInterval(timer);
    clearTimeout(settling);
    document.removeEventListener("visibilitychange", turned);
  };
}
