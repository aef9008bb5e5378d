// The two frames on the wall into which pictures are dropped, pasted or chosen.

import { find, make } from "./dom.js";
import { keep, kept } from "./kept.js";

const NAMES = { "image/png": "PNG", "image/jpeg": "JPEG", "image/webp": "WebP" };

const ABOUT = {
  content: { title: "Photo", hint: () => "what is painted" },
  style: { title: "Painting", hint: (most) => `how it is painted; up to ${most}` },
};

/** The frames. `changed` is called when a picture comes or goes. */
export class Frames {
  /** `types` and `most` are those that can be asked for, `file` the most bytes of a picture. */
  constructor(rules, changed) {
    this.rules = rules;
    this.changed = changed;
    this.files = { content: [], style: [] };
    this.parts = {};
    for (const role of Object.keys(ABOUT)) find("frames").append(this.#frame(role));
    this.#listen();
  }

  /** Show the frames of a job, whose other pictures are not sent. */
  show(roles) {
    this.roles = roles;
    for (const [role, { frame }] of Object.entries(this.parts))
      frame.hidden = !roles.includes(role);
  }

  /** The pictures to send, each with its role. */
  get pictures() {
    return this.roles.flatMap((role) => this.files[role].map((file) => [role, file]));
  }

  /** What is missing, in words; empty if nothing is. */
  get missing() {
    const empty = this.roles.filter((role) => !this.files[role].length);
    return empty.map((role) => `a ${ABOUT[role].title.toLowerCase()}`).join(" and ");
  }

  /** `lake after swirls` */
  get name() {
    const stems = this.pictures.map(([, file]) => file.name.replace(/\.\w+$/, ""));
    return stems.slice(0, 2).join(" after ").slice(0, 120);
  }

  /** Hang the pictures that were chosen before the page was loaded again. */
  async recall() {
    for (const role of Object.keys(ABOUT)) {
      const files = await kept(role);
      if (files.length && !this.files[role].length) this.#set(role, files);
    }
  }

  clear() {
    for (const role of Object.keys(ABOUT)) this.#set(role, []);
  }

  /** Hang pictures: into a frame, or the first of them into the first empty one. */
  add(files, role) {
    for (const file of files) {
      const free = this.roles.find((each) => !this.files[each].length);
      const into = role ?? free ?? this.roles.at(-1);
      const problem = this.#problem(file);
      this.parts[into].problem.textContent = problem;
      if (problem) continue;
      const most = this.rules.most[into];
      const kept = most > 1 ? this.files[into].slice(0, most - 1) : [];
      this.#set(into, [...kept, file]);
    }
  }

  #problem(file) {
    const { types, file: most } = this.rules;
    const known = types.map((type) => NAMES[type] ?? type);
    if (!types.includes(file.type)) return `${file.name} is no ${known.slice(0, -1).join(", ")} or ${known.at(-1)}.`;
    if (file.size <= most) return "";
    return `${file.name} has more than ${Math.floor(most / 1e6)} MB: make it smaller.`;
  }

  #set(role, files) {
    const { mount, frame } = this.parts[role];
    for (const image of mount.querySelectorAll("img")) URL.revokeObjectURL(image.src);
    this.files[role] = files;
    frame.classList.toggle("filled", files.length > 0);
    const { title } = ABOUT[role];
    mount.replaceChildren(
      ...files.map((file, number) => {
        const image = make("img", { src: URL.createObjectURL(file), alt: "" });
        const take = () => {
          this.#set(role, files.filter((_, each) => each !== number));
          this.parts[role].input.focus();
        };
        const label = `Remove ${title.toLowerCase()} ${file.name}`;
        const button = make("button", { type: "button", onclick: take, "aria-label": label }, "×");
        return make("div", { className: "hung" }, image, button);
      }),
    );
    keep(role, files);
    this.parts[role].words.textContent = files.map((file) => file.name).join(", ");
    this.changed();
  }

  #frame(role) {
    const { title, hint } = ABOUT[role], most = this.rules.most[role];
    const chosen = (event) => {
      this.add(event.target.files, role);
      event.target.value = ""; // the same file may be chosen again
    };
    const id = `choose-${role}`;
    const words = make("span", { className: "words" });
    const input = make("input", {
      type: "file", id, className: "unseen", accept: this.rules.types.join(), multiple: most > 1,
      onchange: chosen, "aria-describedby": `${id}-problem`,
    });
    const shutter = { accept: "image/*", capture: "environment", onchange: chosen };
    const camera = make("label", { className: "camera" }, "Take a picture",
      make("input", { type: "file", className: "unseen", ...shutter }));
    const mount = make("div", { className: "mount" });
    const invitation = make("label", { className: "invitation", htmlFor: id },
      make("span", { className: "title" }, title),
      make("span", { className: "hint" }, hint(most)),
      make("span", { className: "how" }, "Drop, paste or choose"),
      words);
    const problem = make("p", { className: "refusal", id: `${id}-problem`, role: "alert" });
    const frame = make("div", { className: "frame", "data-role": role },
      make("div", { className: "moulding" }, input, mount, invitation, problem), camera);
    this.parts[role] = { frame, mount, input, problem, words };
    return frame;
  }

  #listen() {
    const over = (event) => {
      const frame = event.target.closest?.(".frame");
      for (const { frame: each } of Object.values(this.parts))
        each.classList.toggle("over", each === frame && event.type === "dragover");
      return frame?.dataset.role;
    };
    const isFree = () => !find("new").hidden;
    addEventListener("dragover", (event) => {
      event.preventDefault(); // else the browser would leave the page for the picture
      over(event);
    });
    addEventListener("dragleave", over);
    addEventListener("drop", (event) => {
      event.preventDefault();
      const role = over(event), { files } = event.dataTransfer;
      // Two pictures at once are for both frames.
      if (isFree()) this.add(files, files.length > 1 && role === "content" ? undefined : role);
    });
    addEventListener("paste", (event) => {
      if (isFree() && event.clipboardData.files.length) this.add(event.clipboardData.files);
    });
  }
}
