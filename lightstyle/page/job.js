// One job: its picture on the wall, and beside it a label as in a museum.

import { Curve } from "./curve.js";
import { announce, duration, find, make, moment, sure } from "./dom.js";
import { Picture } from "./picture.js";
import { of } from "./engines.js";
import { isFinal, newKey } from "./problem.js";

/** Evaluations that "more" adds. */
const MORE = 100;

export class JobView {
  /** Show a job. `go` opens another page, `again` the form with its settings. */
  constructor(id, { go, again, changed, lost }, asked) {
    const { model, settings: { properties: schema } } = asked;
    Object.assign(this, { id, go, again, changed, model, schema, engine: of(id) });
    this.curve = new Curve();
    this.title = make("h1", { tabIndex: -1 }, "…");
    this.medium = make("p", { className: "medium" });
    this.note = make("p", { className: "note" });
    this.bar = make("progress", { max: 1, "aria-label": "Progress", hidden: true });
    this.facts = make("p", { className: "facts" });
    this.refusal = make("p", { className: "refusal", role: "alert" });
    this.actions = make("div", { className: "actions" });
    this.about = make("div", { className: "about" });
    this.label = make("div", { className: "panel label" }, this.title, this.medium, this.note, this.bar,
      this.facts, this.curve.element, this.refusal, this.actions, this.about);
    this.room = find("work");
    this.room.replaceChildren(this.label);
    this.told = {
      status: (now) => this.#status(now),
      event: (kind, values) => this.#event(kind, values),
      gone: () => this.#gone(),
      lost,
    };
    this.stop = this.engine.watch(id, this.told);
    this.isOpen = true;
  }

  close() {
    this.isOpen = false;
    this.stop();
  }

  /** Open another page, unless the visitor has done so meanwhile. */
  #leave(id) {
    if (this.isOpen) this.go(id);
    else this.changed();
  }

  #event(kind, values) {
    if (kind === "progress") {
      this.curve.add(values);
      this.#progress(values);
    } else if (kind === "preview" && this.picture) this.#preview(values.version);
  }

  async #preview(version) {
    const url = await this.engine.preview(this.id, version);
    if (!this.shown) this.picture.paint(url);
  }

  #status(now) {
    const { state } = now, first = this.now === undefined;
    const turned = this.now?.state !== state;
    this.now = now;
    if (first) this.#hang(now);
    if (turned) {
      this.#label(now);
      this.changed();
    }
    const ended = isFinal(state);
    this.bar.hidden = ended;
    if (ended && now.outcome?.picture) {
      this.shown = true;
      this.#result();
    } else if (now.preview) this.#preview(now.preview);
    if (state === "queued") this.#wait(now.position);
    else if (ended) this.#ended(now);
    else if (now.progress) this.#progress(now.progress);
    else this.#say("Preparing the pictures…");
  }

  async #result() {
    this.picture.paint(await this.engine.result(this.id));
  }

  async #hang({ params, command }) {
    const title = params.name || "Untitled";
    this.title.textContent = title;
    this.picture = new Picture(title);
    this.room.prepend(this.picture.element);
    this.about.append(this.#settings(params), this.#command(command));
    if (params.pictures.content) this.picture.photo(await this.engine.sent(this.id, "content"));
  }

  #wait(position) {
    this.bar.removeAttribute("value");
    this.#say(position > 1 ? `Number ${position} in the queue` : "Next in the queue");
    document.title = `In the queue · ${this.title.textContent}`;
  }

  #progress({ evaluation, evaluations, level, levels, size, rate, seconds_left: left }) {
    if (!this.now || isFinal(this.now.state)) return;
    this.bar.value = evaluation / evaluations;
    const time = left > 0 ? `about ${duration(left)} left` : "nearly done";
    const tenths = Math.floor((10 * evaluation) / evaluations);
    this.#say(tenths ? `${tenths}0 % painted` : "Painting", // to speak of each would be chatter
      `Evaluation ${evaluation} of ${evaluations}`, time,
      `Level ${level} of ${levels}, ${[size].flat().join(" × ")} px`,
      ...(rate ? [`${rate.toPrecision(2)} evaluations a second`] : []));
    document.title = `${Math.floor((100 * evaluation) / evaluations)} % · ${this.title.textContent}`;
  }

  #ended({ state, outcome, progress }) {
    const done = progress ? `${progress.evaluation} of ${progress.evaluations} evaluations` : "";
    const words = {
      done: ["Finished", done, outcome?.seconds && `in ${duration(outcome.seconds)}`],
      cancelled: [progress ? "Stopped" : "Cancelled", done],
      failed: ["This did not work", done],
      expired: ["No longer kept"],
    }[state].filter(Boolean);
    this.#say(words.join(", "), ...words);
    document.title = `${words[0]} · ${this.title.textContent}`;
    this.refusal.textContent = state === "failed" ? (outcome?.reason ?? outcome?.code ?? "") : "";
  }

  /** Show facts, and say them to those who do not see the page. */
  #say(spoken, ...shown) {
    this.facts.replaceChildren(...(shown.length ? shown : [spoken]).map((text) => make("span", {}, text)));
    announce(spoken);
  }

  #label(now) {
    const { params, created, note, outcome } = now;
    const kind = params.job === "stylize" ? "" : params.job;
    const words = [kind, params.model ?? this.model, this.engine.place, moment(created)];
    this.medium.textContent = words.filter(Boolean).join(", ");
    const notes = [note, ...(outcome?.notes ?? [])].filter(Boolean);
    this.note.replaceChildren(...notes.map((each) => make("span", {}, each)));
    this.refusal.textContent = "";
    this.actions.replaceChildren(...this.#buttons(now));
  }

  #settings({ settings }) {
    const rows = Object.entries(settings)
      .filter(([name, value]) => JSON.stringify(value) !== JSON.stringify(this.schema[name].default))
      .map(([name, value]) =>
        make("div", {}, make("dt", {}, this.schema[name].title), make("dd", {}, String(value))));
    const shown = rows.length ? make("dl", {}, ...rows) : make("p", {}, "All as they are by default.");
    return make("details", {}, make("summary", {}, "Settings"), shown);
  }

  #command(command) {
    // Lines break between words alone, not at their hyphens.
    const words = command.split(/( )/).map((word) => (word === " " ? word : make("span", {}, word)));
    const copy = async () => {
      await navigator.clipboard.writeText(command);
      announce("The command is copied.");
    };
    return make("details", {}, make("summary", {}, "Command line"),
      make("p", {}, "This makes the same picture; put in the names of your files:"),
      make("pre", { tabIndex: 0 }, make("code", {}, ...words)),
      // There is no clipboard on plain HTTP but on this machine.
      navigator.clipboard && make("button", { type: "button", onclick: copy }, "Copy"));
  }

  #buttons(now) {
    const { id, state, outcome } = now;
    const button = (text, does, className = "") =>
      make("button", { type: "button", className, onclick: () => this.#try(does) }, text);
    const remove = button("Delete", () => this.#remove(), "quiet");
    const again = button("Again with other settings", () => this.again(this.now));
    if (state === "queued") return [button("Cancel", () => this.engine.cancel(id)), remove];
    if (state === "running") return [button("Stop and keep", () => this.engine.cancel(id), "primary"), remove];
    if (state === "cancelling") return [];
    if (state === "expired") return [remove];
    const download = (text, about, className) => {
      const link = make("a", { download: this.engine.named(now), className }, text);
      Promise.resolve(this.engine.result(id, about)).then((url) => (link.href = url));
      return link;
    };
    const pictures = outcome?.picture ? [
      download("Download", true, "button primary"),
      download("Download without settings inside", false, "button"),
    ] : [];
    const begins = this.schema.init["x-refused"] === undefined;
    const on = state === "done"
      ? begins && button(`${MORE} more evaluations`, () => this.#goOn())
      : button(state === "failed" ? "Try again" : "Continue", () => this.#retry());
    return [...pictures, on, again, remove].filter(Boolean);
  }

  async #try(does) {
    this.refusal.textContent = "";
    try {
      await does();
    } catch (problem) {
      this.refusal.textContent = problem.message;
    }
  }

  async #retry() {
    await this.engine.retry(this.id);
    if (!this.isOpen) return;
    this.stop();
    this.shown = false;
    this.stop = this.engine.watch(this.id, this.told);
  }

  /** Begin with the result, at its full size. */
  async #goOn() {
    const { params } = this.now;
    const kept = Object.entries(params.settings)
      .filter(([name, value]) => value !== null && !this.schema[name]["x-picture"]);
    const settings = { ...Object.fromEntries(kept), iterations: MORE, pyramid: "off", init_noise: 0 };
    const { job, name, size, model, format } = params;
    const more = { job, name, size, model, format, settings, again: this.id, go_on: true };
    this.#leave((await this.engine.submit(more, [], newKey())).id);
  }

  async #remove() {
    if (!(await sure("Delete this picture?"))) return;
    await this.engine.remove(this.id);
    this.stop();
    this.#leave();
  }

  #gone() {
    this.stop();
    this.title.textContent = "There is no such picture";
    this.facts.textContent = "It was deleted, or is kept no longer.";
    this.actions.replaceChildren(make("a", { className: "button", href: "#new" }, "New picture"));
    this.bar.hidden = true;
  }
}
