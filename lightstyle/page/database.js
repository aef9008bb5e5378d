// What the browser keeps for the page, in IndexedDB.

/** Where the site lies: another one on the same server has another base. */
export const HOME = `lightstyle ${new URL("..", import.meta.url).pathname}`;

const STORES = ["pictures", "jobs", "events", "blobs"];

/**
 * Do some work within one transaction over stores; return what its last request found.
 *
 * `work` gets the stores, in order, and returns a request, or nothing.
 */
export function within(names, work) {
  return new Promise((done, failed) => {
    const opening = indexedDB.open(HOME, 1);
    opening.onupgradeneeded = () => {
      for (const name of STORES) opening.result.createObjectStore(name);
    };
    opening.onerror = () => failed(opening.error);
    opening.onsuccess = () => {
      const base = opening.result;
      const transaction = base.transaction(names, "readwrite");
      const end = (how, what) => {
        base.close();
        how(what);
      };
      let asked;
      transaction.oncomplete = () => end(done, asked?.result);
      transaction.onabort = () => end(failed, transaction.error);
      asked = work(...names.map((name) => transaction.objectStore(name)));
    };
  });
}

/** Everything whose name begins with the name of a job. */
export const ofJob = (id) => IDBKeyRange.bound(`${id}/`, `${id}0`, false, true);

/** The events of a job after a number. */
export const eventsAfter = (id, number) =>
  IDBKeyRange.bound([id, number], [id, Infinity], true);
