// Keeps the site on the device: it works without a network, all its files are of one
// version, and it is isolated, as threads need, whatever headers its server sends.

importScripts("site.js"); // the version, and the digest of every file

const { version, files } = self.SITE;
const { scope } = self.registration;

/** Caches of this site; others of the same server may have their own. */
const OURS = `lightstyle ${scope} `;
const CACHE = OURS + version;

/** What only a device's engine needs is kept once it was asked for. */
const isLarge = (path) => /^page\/(ort|model)\//.test(path);

/** A file in the cache is named by its digest, too: what has not changed is taken over. */
const key = (path) => new URL(`${path}?${encodeURIComponent(files[path])}`, scope);

addEventListener("install", (event) => event.waitUntil(fill().catch(undo)));
addEventListener("activate", (event) => event.waitUntil(begin()));
addEventListener("message", ({ data }) => data === "take over" && self.skipWaiting());
addEventListener("fetch", (event) => {
  const { method, url } = event.request;
  if (method !== "GET" || !url.startsWith(scope)) return;
  const path = decodeURI(url.slice(scope.length).replace(/[?#].*$/s, "")) || "index.html";
  if (path in files) event.respondWith(answer(path));
});

async function fill() {
  const earlier = await used();
  const cache = await caches.open(CACHE);
  await Promise.all(Object.keys(files).map(async (path) => {
    const kept = await caches.match(key(path));
    if (kept) await cache.put(key(path), kept);
    else if (!isLarge(path) || earlier.has(path)) await take(cache, path);
  }));
}

/** The files that an earlier version has kept. */
async function used() {
  const names = (await caches.keys()).filter((name) => name.startsWith(OURS));
  const kept = await Promise.all(names.map(async (name) => (await caches.open(name)).keys()));
  return new Set(kept.flat().map(({ url }) => url.slice(scope.length).replace(/\?.*/, "")));
}

/** A version of which a part is missing, or still the old one, is not taken. */
async function undo(error) {
  await caches.delete(CACHE);
  throw error;
}

async function begin() {
  const names = await caches.keys();
  await Promise.all(names.filter((name) => name.startsWith(OURS) && name !== CACHE)
    .map((name) => caches.delete(name)));
  await self.clients.claim();
}

/** Fetch a file into the cache; one of another version is refused. */
async function take(cache, path) {
  const asked = { cache: "no-cache", credentials: "same-origin", integrity: files[path] };
  const found = await fetch(new URL(path, scope), asked);
  if (!found.ok) throw new Error(`${path}: ${found.status}`);
  await cache.put(key(path), found.clone());
  return found;
}

async function answer(path) {
  const cache = await caches.open(CACHE);
  let found = await cache.match(key(path));
  try {
    found ??= await take(cache, path);
  } catch {
    self.registration.update().catch(() => {}); // the site may have changed meanwhile
    return Response.error();
  }
  const headers = new Headers(found.headers);
  headers.set("Cross-Origin-Opener-Policy", "same-origin");
  headers.set("Cross-Origin-Embedder-Policy", "require-corp");
  headers.set("Cross-Origin-Resource-Policy", "same-origin");
  return new Response(found.body, { status: 200, headers });
}
