// A picture on the wall: it grows as previews come, and a slider shows the photo below.

import { make } from "./dom.js";

export class Picture {
  constructor(title) {
    this.after = make("img", { className: "after", alt: `Painting: ${title}`, hidden: true });
    this.before = make("img", { className: "before", alt: "", hidden: true });
    this.slider = make("input", {
      type: "range", min: 0, max: 100, step: 0.5, value: 0, hidden: true,
      "aria-label": "Compare: how much of the photo covers the painting",
      oninput: () => this.#slid(),
    });
    this.divider = make("span", { className: "divider", hidden: true, "aria-hidden": "true" });
    const { after, before, divider, slider } = this;
    this.canvas = make("div", { className: "canvas" }, after, before, divider, slider);
    const moulding = make("div", { className: "moulding" }, this.canvas);
    this.element = make("figure", { className: "stage picture" }, moulding);
    this.next = this.shows = undefined;
    this.#slid();
  }

  /** Show the photo: alone until there is a painting, then below the slider. */
  async photo(url) {
    this.before.src = url;
    await this.before.decode().catch(() => {});
    if (!this.before.naturalWidth) return;
    this.before.hidden = false;
    this.#fit(this.before);
    this.#compare();
  }

  /** Show another painting as soon as it is here; those that came meanwhile are left out. */
  async paint(url) {
    this.next = url;
    if (this.loading) return;
    this.loading = true;
    while (this.next !== this.shows) {
      const wanted = (this.shows = this.next);
      const image = new Image();
      image.src = wanted;
      if (await image.decode().then(() => true, () => false)) {
        this.after.src = wanted;
        await this.after.decode().catch(() => {});
        this.after.hidden = false;
        this.#fit(image);
        this.#compare();
      }
    }
    this.loading = false;
  }

  #compare() {
    const both = !this.after.hidden && !this.before.hidden;
    this.slider.hidden = this.divider.hidden = !both;
    this.canvas.classList.toggle("both", both);
  }

  #fit(image) {
    if (image === this.before && !this.after.hidden) return;
    this.canvas.style.setProperty("--ratio", image.naturalWidth / image.naturalHeight);
  }

  #slid() {
    this.canvas.style.setProperty("--at", `${this.slider.value}%`);
    this.slider.setAttribute("aria-valuetext", `${Math.round(this.slider.value)} % photo`);
  }
}
