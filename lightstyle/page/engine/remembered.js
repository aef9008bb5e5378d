// What the browser remembers of this site; some windows remember nothing.

/** What was remembered under a name, null if nothing was. */
export function recall(name) {
  try {
    return JSON.parse(localStorage.getItem(name));
  } catch {
    return null;
  }
}

/** Remember what JSON can hold. */
export function remember(name, value) {
  try {
    localStorage.setItem(name, JSON.stringify(value));
  } catch {
    // the next page begins as the first did
  }
}
