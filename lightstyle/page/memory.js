// What the browser remembers of this page; some windows have no memory.

/** What was remembered under a name, null if nothing was. */
export function recall(name) {
  try {
    return JSON.parse(localStorage.getItem(name));
  } catch {
    return null;
  }
}

export function remember(name, value) {
  try {
    localStorage.setItem(name, JSON.stringify(value));
  } catch {
    // the next page begins with the defaults
  }
}
