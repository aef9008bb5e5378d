// The service worker as the page sees it: it keeps the site, and isolates it.

const worker = navigator.serviceWorker;
const RELOADED = "lightstyle-isolating";

/**
 * Have the site kept on this device, and wait until this page comes from there.
 *
 * The page is loaded again once if its server does not isolate it, and when a newer version
 * takes over. `newer` is called when one waits, with what lets it.
 */
export async function settle(newer) {
  if (!worker) return; // plain HTTP, or a private window
  const served = worker.controller !== null;
  worker.addEventListener("controllerchange", () => served && location.reload());
  try {
    const address = new URL("../sw.js", import.meta.url);
    const found = await worker.register(address, { updateViaCache: "none" });
    if (served && found.waiting) {
      found.waiting.postMessage("take over");
      await forever();
    }
    found.addEventListener("updatefound", () => look(found, newer));
    if (!served && !found.active) await Promise.race([begun(), pause(5000)]);
  } catch {
    return; // it is a help, no more
  }
  if (crossOriginIsolated || !worker.controller || sessionStorage.getItem(RELOADED)) return;
  sessionStorage.setItem(RELOADED, "yes");
  location.reload();
  await forever();
}

/** Ask for files once, so that they are kept. */
export async function keep(paths) {
  if (!worker?.controller) return;
  for (const path of paths)
    await fetch(new URL(`../${path}`, import.meta.url)).then((found) => found.blob(), () => {});
}

function look(registration, newer) {
  const coming = registration.installing;
  coming.addEventListener("statechange", () => {
    if (coming.state === "installed" && worker.controller)
      newer(() => coming.postMessage("take over"));
  });
}

const begun = () =>
  new Promise((done) => worker.addEventListener("controllerchange", done, { once: true }));
const pause = (milliseconds) => new Promise((done) => setTimeout(done, milliseconds));
const forever = () => new Promise(() => {});
