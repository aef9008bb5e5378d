// The gallery: earlier pictures, and those in the queue.

import { find, make, moment, sure } from "./dom.js";
import { engines, of } from "./engines.js";
import { isFinal } from "./problem.js";

const WORDS = {
  queued: "In the queue", running: "Being painted", cancelling: "Stopping",
  failed: "Did not work", cancelled: "Stopped", expired: "No longer kept",
};

export class Gallery {
  constructor(go) {
    this.go = go;
    this.cards = new Map();
    this.known = new Map();
    this.pages = 1;
    find("older").addEventListener("click", () => {
      this.pages += 1;
      this.refresh();
    });
    setInterval(() => this.active && !document.hidden && this.refresh(), 5000);
    document.addEventListener("visibilitychange", () => document.hidden || this.refresh());
  }

  /** Ask the engines what there is. */
  async refresh() {
    const listed = await Promise.all(engines.map((engine) => this.#listed(engine)));
    const jobs = listed.flatMap((each) => each.jobs).sort((a, b) => b.created - a.created);
    const next = listed.some((each) => each.next);
    this.active = jobs.some((job) => !isFinal(job.state));
    const kept = new Map();
    for (const job of jobs) kept.set(job.id, await this.#card(job));
    const wall = find("wall"), cards = [...kept.values()].map(({ card }) => card);
    if (cards.length !== wall.children.length || cards.some((card, n) => card !== wall.children[n]))
      wall.replaceChildren(...cards);
    this.cards = kept;
    find("bare-wall").hidden = jobs.length > 0;
    find("older").hidden = !next;
  }

  /** The jobs of an engine, and whether it has older ones; what is known if it is away. */
  async #listed(engine) {
    const jobs = [];
    let next;
    try {
      for (let page = 0; page < this.pages && (page === 0 || next); page += 1) {
        const found = await engine.list(next);
        jobs.push(...found.jobs);
        next = found.next;
      }
      this.known.set(engine, { jobs, next });
    } catch {
      // the view of the job says it if the server is away
    }
    return this.known.get(engine) ?? { jobs };
  }

  async #card(job) {
    const { id, state, preview, params } = job;
    const card = this.cards.get(id) ?? this.#hung(id, params.name || "Untitled");
    const role = params.pictures.content ? "content" : "style";
    const engine = of(id);
    const src = await (preview ? engine.preview(id, preview) : engine.sent(id, role));
    if (state !== "expired" && card.image.getAttribute("src") !== src) card.image.src = src;
    card.image.classList.toggle("not-yet", !preview);
    card.words.textContent = WORDS[state] ?? moment(job.created);
    return card;
  }

  #hung(id, title) {
    const image = make("img", { alt: "", loading: "lazy", decoding: "async" });
    const words = make("span", { className: "state" });
    const label = `Delete ${title}`;
    const remove = () => this.#remove(id, title);
    const card = make("li", {},
      make("a", { href: `#jobs/${id}` }, image, make("span", { className: "title" }, title), words),
      make("button", { type: "button", className: "remove", "aria-label": label, onclick: remove }, "×"));
    return { card, image, words };
  }

  async #remove(id, title) {
    if (!(await sure(`Delete “${title}”?`))) return;
    await of(id).remove(id).catch(() => {}); // gone already
    if (location.hash === `#jobs/${id}`) this.go();
    await this.refresh();
    (find("wall").querySelector("a") ?? find("gallery-title")).focus();
  }
}
