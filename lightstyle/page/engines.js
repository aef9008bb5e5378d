// The engines that this page has: its server, this device, or both. They have the same
// functions; the name of a job tells which of them has it.

const found = await (await fetch(new URL("engines.json", import.meta.url))).json();

export const server = found.server ? await import("./server.js") : undefined;
export const device = found.device ? await import("./device.js") : undefined;
export const engines = [server, device].filter(Boolean);

/** The engine that has a job. */
export const of = (id) => (!server || (device && id.startsWith(device.PREFIX)) ? device : server);
