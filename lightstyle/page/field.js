// One setting of the form, and what its rows are made of.

import { make } from "./dom.js";

/** One setting: its control, and its value as the schema has it. */
export class Field {
  constructor(name, about, types, touched) {
    this.about = about;
    this.types = types;
    this.isList = about.anyOf !== undefined || [about.type].flat().includes("array");
    const id = `set-${name}`;
    const given = { id, "aria-describedby": `${id}-help ${id}-why ${id}-refusal`, oninput: touched };
    this.control = this.#made(given);
    this.row = row(name, about.title, about.description, this.control, this.upload);
    refuse(this, about["x-refused"] ?? {});
    if (this.control.type === "range") {
      this.shown = make("output", { htmlFor: id });
      this.row.querySelector("label").append(this.shown);
      this.control.addEventListener("input", () => this.#moved(true));
    }
  }

  /** Why a value cannot be asked for, in a sentence; empty if it can. */
  refusal(value) {
    const why = this.about["x-refused"] ?? {};
    if (typeof why !== "string") return (value !== this.about.default && why[value] !== true && why[value]) || "";
    return JSON.stringify(value) === JSON.stringify(this.about.default) ? "" : why;
  }

  /** Whether there is more than one choice. */
  get isFree() {
    const { disabled, options: words } = this.control;
    return !disabled && (!words || [...words].filter((word) => !word.disabled).length > 1);
  }

  serves(job) {
    return this.about["x-jobs"].includes(job);
  }

  get files() {
    return this.about["x-picture"] ? [...(this.upload ?? this.control).files] : [];
  }

  get value() {
    const { control, about } = this;
    if (about["x-picture"]) return this.upload && !this.files.length ? control.value || null : null;
    if (control.type === "checkbox") return control.checked;
    if (control.type === "range") return this.moved ? Number(control.value) : null;
    const text = control.value.trim();
    if (text === "") return about.default;
    if (control.type === "number") return Number(text);
    if (!this.isList) return text;
    const numbers = text.split(",").map((each) => (each.trim() === "" ? NaN : Number(each)));
    if (numbers.some(Number.isNaN)) return text; // the engine says what is expected
    return about.anyOf && numbers.length === 1 ? numbers[0] : numbers;
  }

  get differs() {
    if (this.about["x-picture"]) return !this.files.length && this.value !== null;
    return JSON.stringify(this.value) !== JSON.stringify(this.about.default);
  }

  /** Show a value; names of picture files cannot be shown. */
  set(asked) {
    const { control, about } = this, value = this.refusal(asked) ? about.default : asked;
    if (this.upload) this.upload.value = "";
    if (about["x-picture"]) control.value = this.upload && about.enum.includes(value) ? (value ?? "") : "";
    else if (control.type === "checkbox") control.checked = value;
    else if (control.type === "range") {
      control.value = value ?? about["x-meant"];
      this.#moved(value !== null);
    } else control.value = Array.isArray(value) ? value.join(",") : (value ?? "");
  }

  add(files) {
    const list = new DataTransfer();
    for (const file of [...this.files, ...files]) list.items.add(file);
    (this.upload ?? this.control).files = list.files;
  }

  #moved(is) {
    this.moved = is;
    this.shown.textContent = this.control.value;
  }

  #made(given) {
    const { about } = this, type = [about.type].flat()[0];
    const { minimum: min, maximum: max } = about;
    const input = (more) => make("input", { ...given, ...more });
    const select = (words) => make("select", given, ...options(words, "automatic"));
    if (about["x-picture"]) {
      const file = { type: "file", accept: this.types.join(), multiple: this.isList };
      const words = (about.enum ?? []).filter((word) => word !== null);
      if (!words.length) return input(file);
      const { oninput } = given;
      this.upload = make("input", { ...file, oninput, "aria-label": `${about.title}: a picture` });
      return select(["", ...words]);
    }
    if (about.enum) return select(about.enum);
    if (type === "boolean") return input({ type: "checkbox" });
    if (about["x-meant"] !== undefined) return input({ type: "range", min, max, step: (max - min) / 100 });
    const placeholder = String(about.default ?? "automatic");
    if (type === "integer" || type === "number") {
      const [step, inputMode] = type === "integer" ? [1, "numeric"] : ["any", "decimal"];
      return input({ type: "number", min, max, step, inputMode, placeholder });
    }
    return input({ type: "text", autocomplete: "off", spellcheck: false, placeholder });
  }
}

/** Choose a word, where there is that choice. */
export function take({ control }, word) {
  const at = [...control.options].findIndex(({ value, disabled }) => value === word && !disabled);
  if (at >= 0) control.selectedIndex = at;
}

/** Grey out what cannot be asked for, and say why: all of it, or some of its words. */
export function refuse({ control, upload, row }, why) {
  const all = typeof why === "string";
  if (all) for (const each of [control, upload].filter(Boolean)) each.disabled = true;
  else for (const each of control.options ?? []) each.disabled = each.value in why && why[each.value] !== true;
  row.classList.toggle("refused", all);
  const reasons = new Map();
  for (const [word, each] of all ? [["", why]] : Object.entries(why))
    if (each !== true) reasons.set(each, [...(reasons.get(each) ?? []), word]);
  const words = [...reasons].map(([each, of]) => (all ? each : `${of.join(", ")}: ${each}`));
  row.querySelector(".why").replaceChildren(...words.map((each) => make("span", {}, each)));
}

export function options(words, empty) {
  return words.map((word) => make("option", { value: word }, word || empty));
}

export function row(name, title, help, control, upload) {
  const id = `set-${name}`;
  return make("div", { className: `field ${control.type}` },
    make("label", { htmlFor: id, className: "name" }, title), control, upload,
    make("p", { className: "help", id: `${id}-help` }, help),
    make("p", { className: "help why", id: `${id}-why` }),
    make("p", { className: "refusal", id: `${id}-refusal`, role: "alert" }));
}
