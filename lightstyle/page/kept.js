// The pictures that are chosen and not yet painted, which a page that is loaded again,
// or that a phone had put away, still has.

import { within } from "./database.js";

/** Keep the pictures of a role; where there is no room or no storage, they are not kept. */
export const keep = (role, files) =>
  within(["pictures"], (store) => store.put(files, role)).catch(() => {});

/** The pictures of a role that were kept. */
export const kept = async (role) =>
  (await within(["pictures"], (store) => store.get(role)).catch(() => [])) ?? [];
