// The form of the settings, which the engine's schema describes: there is no second list.

import { make } from "./dom.js";
import { Field, options, refuse, row, take } from "./field.js";
import { recall, remember } from "./engine/remembered.js";

/** Settings that stand in front; the schema's others are folded. */
const FRONT = ["size", "strength", "style_loss", "color"];

const KEPT = "lightstyle-settings";

/** The settings as a form, in two places. */
export class Form {
  constructor(asked, front, rest, changed) {
    this.asked = asked;
    this.changed = changed;
    this.fields = {};
    this.job = this.#choice("job", "Kind", Object.keys(asked.jobs), "What is made of which pictures.");
    refuse(this.job, asked.refused ?? {});
    const presets = Object.keys(asked.presets);
    this.preset = this.#choice("preset", "Preset", ["", ...presets], "Sets several settings at once.");
    this.usual = asked.models.includes(asked.model) ? asked.model : "";
    const models = this.usual ? asked.models : ["", ...asked.models];
    this.model = this.#choice("model", "Model", models, "The network that looks at the pictures.",
      asked.model ?? "the server's");
    this.format = this.#choice("format", "Format", asked.formats, "File of the painting.");
    this.sides = this.#sides();
    const named = Object.entries(asked.settings.properties);
    for (const [name, about] of named)
      this.fields[name] = new Field(name, about, asked.types, () => this.#touched());
    refuse(this.preset, this.#refusedPresets());
    const byName = (names) => names.map((name) => this.fields[name].row);
    const first = FRONT.filter((name) => this.fields[name].isFree);
    front.replaceChildren(this.sides.row, ...byName(first), this.model.row);
    this.model.row.hidden = models.length < 2;
    const groups = grouped(named);
    rest.replaceChildren(this.job.row, this.preset.row, this.format.row);
    this.format.row.hidden = asked.formats.length < 2;
    this.groups = [];
    for (const [group, members] of groups) {
      const names = members.map(([name]) => name).filter((name) => !first.includes(name));
      if (!names.length) continue;
      const set = make("fieldset", {}, make("legend", {}, group), ...byName(names));
      this.groups.push([set, names]);
      rest.append(set);
    }
    this.preset.control.addEventListener("change", () => this.#takePreset());
    for (const each of [this.job, this.model, this.format])
      each.control.addEventListener("change", () => this.#touched());
    const kept = recall(KEPT);
    this.reset();
    if (kept && kept.job in asked.jobs) this.fill(kept); // with what this engine can do
  }

  /** Roles of the pictures of the job. */
  get roles() {
    return this.asked.jobs[this.job.control.value];
  }

  /** Parameters of the job, as the server takes them. */
  get params() {
    const job = this.job.control.value, settings = {};
    for (const [name, field] of Object.entries(this.fields))
      if (field.serves(job) && field.differs) settings[name] = field.value;
    const { model, format } = this;
    const params = { job, settings, model: model.control.value || null, format: format.control.value };
    if (!this.sides.row.hidden) params.size = this.sides.controls.map((each) => Number(each.value));
    return params;
  }

  /** Pictures of the settings, each with its role. */
  get pictures() {
    const job = this.job.control.value;
    return Object.entries(this.fields).flatMap(([name, field]) =>
      field.serves(job) ? field.files.map((file) => [name, file]) : []);
  }

  /** Show the settings of an earlier job, but for its pictures. */
  fill(params) {
    this.reset();
    take(this.job, params.job);
    take(this.format, params.format);
    if (params.model) take(this.model, params.model);
    if (params.size) this.sides.controls.forEach((each, side) => (each.value = params.size[side]));
    for (const [name, value] of Object.entries(params.settings)) this.fields[name]?.set(value);
    this.#touched();
  }

  /** Add pictures to a setting. */
  add(files, name) {
    this.fields[name]?.add(files);
    this.#touched();
  }

  reset() {
    for (const field of Object.values(this.fields)) field.set(field.about.default);
    for (const each of this.sides.controls) each.value = this.fields.size.about.default;
    this.job.control.selectedIndex = this.preset.control.selectedIndex = 0;
    this.format.control.selectedIndex = 0;
    this.model.control.value = this.usual;
    this.#touched();
  }

  /** Say at the fields what is wrong with them; return what has no field. */
  refuse(errors) {
    for (const { row } of Object.values(this.fields)) row.querySelector(".refusal").textContent = "";
    let first;
    const others = errors.filter(({ field, message }) => {
      const [, name] = /^settings\.(.+)/.exec(field) ?? [];
      const at = this.fields[name];
      if (!at) return true;
      at.row.querySelector(".refusal").textContent = message;
      at.row.closest("details")?.setAttribute("open", "");
      first ??= at;
      return false;
    });
    first?.control.focus();
    return others;
  }

  #touched() {
    const job = this.job.control.value;
    for (const field of Object.values(this.fields)) field.row.hidden = !field.serves(job);
    this.sides.row.hidden = this.roles.includes("content");
    for (const [set, names] of this.groups)
      set.hidden = names.every((name) => this.fields[name].row.hidden);
    remember(KEPT, this.params);
    this.changed();
  }

  /** Presets that ask for what cannot be done here, each with a sentence. */
  #refusedPresets() {
    const found = Object.entries(this.asked.presets).map(([name, values]) =>
      [name, Object.entries(values).map(([set, value]) => this.fields[set].refusal(value)).find(Boolean)]);
    return Object.fromEntries(found.filter(([, why]) => why));
  }

  #takePreset() {
    const { value } = this.preset.control;
    for (const [name, each] of Object.entries(this.asked.presets[value] ?? {})) this.fields[name]?.set(each);
    this.#touched();
  }

  #choice(name, title, words, help, empty = "none") {
    const given = { id: `set-${name}`, "aria-describedby": `set-${name}-help set-${name}-why` };
    const control = make("select", given, ...options(words, empty));
    return { control, row: row(name, title, help, control) };
  }

  #sides() {
    const { minimum: min, maximum: max } = this.asked.settings.properties.size;
    const given = { type: "number", min, max, oninput: () => this.#touched() };
    const controls = ["Width", "Height"].map((side) => make("input", { ...given, "aria-label": side }));
    const pair = make("span", { className: "pair" }, controls[0], "×", controls[1]);
    const about = make("div", { className: "field" }, make("span", { className: "name" }, "Size"),
      pair, make("p", { className: "help" }, "Width and height of the texture, in pixels."));
    return { row: about, controls };
  }
}

function grouped(named) {
  const groups = new Map();
  for (const each of named) {
    const group = each[1]["x-group"];
    groups.set(group, [...(groups.get(group) ?? []), each]);
  }
  return groups;
}
