// Files of the site.

import { Problem } from "./problem.js";

/** Fetch a file; say in a sentence if that fails. */
export async function fetched(url) {
  let answer, reason;
  try {
    answer = await fetch(url);
    reason = answer.ok ? "" : `the server answers ${answer.status}`;
  } catch (error) {
    reason = error.message;
  }
  if (reason) throw new Problem("model", `${url} cannot be loaded: ${reason}`);
  return answer;
}

export const fetchedBytes = async (url) => new Uint8Array(await (await fetched(url)).arrayBuffer());
