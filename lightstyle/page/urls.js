// URLs of what is kept in the browser, for images and downloads.

import * as journal from "./journal.js";

const made = new Map();

/** A URL of something that is kept for a job; that of an earlier version ends a little later. */
export async function url(id, name, version) {
  const known = made.get(`${id}/${name}`);
  if (known?.version === version) return known.url;
  if (known) setTimeout(() => URL.revokeObjectURL(known.url), 10_000);
  const blob = await journal.blob(id, name);
  if (!blob) return "";
  const found = { version, url: URL.createObjectURL(blob) };
  made.set(`${id}/${name}`, found);
  return found.url;
}
