// The pictures that are chosen and not yet painted, which a page that is loaded again,
// or that a phone had put away, still has.

const STORE = "pictures";

function within(work) {
  return new Promise((done, failed) => {
    const opening = indexedDB.open("lightstyle", 1);
    opening.onupgradeneeded = () => opening.result.createObjectStore(STORE);
    opening.onerror = () => failed(opening.error);
    opening.onsuccess = () => {
      const transaction = opening.result.transaction(STORE, "readwrite");
      const asked = work(transaction.objectStore(STORE));
      transaction.oncomplete = () => {
        opening.result.close();
        done(asked.result);
      };
      transaction.onerror = transaction.onabort = () => failed(transaction.error);
    };
  });
}

/** Keep the pictures of a role; where there is no room or no storage, they are not kept. */
export const keep = (role, files) => within((store) => store.put(files, role)).catch(() => {});

/** The pictures of a role that were kept. */
export const kept = async (role) => (await within((store) => store.get(role)).catch(() => [])) ?? [];
