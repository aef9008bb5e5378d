// The gallery: earlier pictures, and those in the queue.

import { find, make, moment, sure } from "./dom.js";
import * as server from "./server.js";

const WORDS = {
  queued: "In the queue", running: "Being painted", cancelling: "Stopping",
  failed: "Did not work", cancelled: "Stopped", expired: "No longer kept",
};

export class Gallery {
  constructor(go) {
    this.go = go;
    this.cards = new Map();
    this.pages = 1;
    find("older").addEventListener("click", () => {
      this.pages += 1;
      this.refresh();
    });
    setInterval(() => this.active && !document.hidden && this.refresh(), 5000);
    document.addEventListener("visibilitychange", () => document.hidden || this.refresh());
  }

  /** Ask the server what there is. */
  async refresh() {
    const jobs = [];
    let next;
    try {
      for (let page = 0; page < this.pages && (page === 0 || next); page += 1) {
        const found = await server.list(next);
        jobs.push(...found.jobs);
        next = found.next;
      }
    } catch {
      return; // the view of the job says it if the server is away
    }
    this.active = jobs.some((job) => !server.isFinal(job.state));
    const kept = new Map();
    for (const job of jobs) kept.set(job.id, this.#card(job));
    const wall = find("wall"), cards = [...kept.values()].map(({ card }) => card);
    if (cards.length !== wall.children.length || cards.some((card, n) => card !== wall.children[n]))
      wall.replaceChildren(...cards);
    this.cards = kept;
    find("bare-wall").hidden = jobs.length > 0;
    find("older").hidden = !next;
  }

  #card(job) {
    const { id, state, preview, params } = job;
    const card = this.cards.get(id) ?? this.#hung(id, params.name || "Untitled");
    const role = params.pictures.content ? "content" : "style";
    const src = preview ? server.preview(id, preview) : server.sent(id, role);
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
    await server.remove(id).catch(() => {}); // gone already
    if (location.hash === `#jobs/${id}`) this.go();
    await this.refresh();
    (find("wall").querySelector("a") ?? find("gallery-title")).focus();
  }
}
