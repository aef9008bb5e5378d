// Where to paint: on the server, or on this device.

import { find, make } from "./dom.js";
import { device, engines, server } from "./engines.js";
import { recall, remember } from "./engine/remembered.js";

const KEPT = "lightstyle-engine";
const TITLES = { server: "The server", device: "This device" };
/** What paints, in words. */
const NAMES = {
  webgpu: () => "GPU (WebGPU)",
  wasm: (threads) => `processor (wasm, ${threads} ${threads === 1 ? "thread" : "threads"})`,
};

const nameOf = (engine) => (engine === server ? "server" : "device");

/** The choice of the engine. `turned` is called when another one is chosen, or known better. */
export class Where {
  constructor(turned) {
    this.turned = turned;
    this.about = find("where-about");
    const kept = recall(KEPT);
    this.engine = engines.find((each) => nameOf(each) === kept) ?? engines[0];
    if (engines.length > 1) find("where").prepend(...engines.map((engine) => this.#choice(engine)));
    find("where").hidden = false;
  }

  /** Show what the device is, as soon as it is known. */
  async look() {
    this.about.className = "help";
    this.about.textContent = this.engine === device ? "Looking at what this device has…" : "";
    if (this.engine !== device) return;
    try {
      const { device: kind, threads, note, isNew } = await device.about();
      if (this.engine !== device) return;
      const painted = `Painted by this device's ${NAMES[kind](threads)}. No picture leaves it.`;
      this.about.textContent = [painted, note].filter(Boolean).join(" ");
      if (isNew) this.turned();
    } catch (error) {
      this.about.className = "refusal";
      const again = make("button", { type: "button", onclick: () => this.look() }, "Try again");
      this.about.replaceChildren(`This device cannot paint: ${error.message} `, again);
    }
  }

  #choice(engine) {
    const name = nameOf(engine);
    const chosen = () => {
      remember(KEPT, name);
      this.engine = engine;
      this.turned();
      this.look();
    };
    const checked = engine === this.engine;
    return make("label", { className: "place" },
      make("input", { type: "radio", name: "where", className: "unseen", value: name, checked, onchange: chosen }),
      make("span", {}, TITLES[name]));
  }
}
