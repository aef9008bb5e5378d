// The curve of the loss, as SVG: it is logarithmic, and marks where a level begins.

const NS = "http://www.w3.org/2000/svg";
const WIDTH = 300, HEIGHT = 80;

export class Curve {
  constructor() {
    this.losses = new Map(); // after a crash, some evaluations are done again
    this.element = document.createElementNS(NS, "svg");
    this.element.setAttribute("class", "curve");
    this.element.setAttribute("viewBox", `0 0 ${WIDTH} ${HEIGHT}`);
    this.element.setAttribute("preserveAspectRatio", "none");
    this.element.setAttribute("role", "img");
    this.levels = this.#path("levels");
    this.line = this.#path("line");
    this.element.setAttribute("hidden", "");
  }

  add({ evaluation, evaluations, loss, level }) {
    this.most = evaluations;
    if (loss > 0) this.losses.set(evaluation, { loss, level });
    this.frame ??= requestAnimationFrame(() => this.#draw());
  }

  #draw() {
    this.frame = undefined;
    const points = [...this.losses].sort(([a], [b]) => a - b);
    if (points.length < 2) return;
    const heights = points.map(([, { loss }]) => Math.log(loss));
    const low = Math.min(...heights), high = Math.max(...heights);
    const x = (evaluation) => ((WIDTH * evaluation) / this.most).toFixed(2);
    const y = (height) => (3 + ((HEIGHT - 6) * (high - height)) / (high - low || 1)).toFixed(2);
    this.line.setAttribute("d", `M${points.map(([at], n) => `${x(at)} ${y(heights[n])}`).join("L")}`);
    const begun = points.filter(([, { level }], n) => n && level !== points[n - 1][1].level);
    this.levels.setAttribute("d", begun.map(([at]) => `M${x(at)} 0V${HEIGHT}`).join(""));
    const word = (height) => Math.exp(height).toPrecision(3);
    const label = `Loss of ${points.length} evaluations, from ${word(heights[0])} to ${word(heights.at(-1))}`;
    this.element.setAttribute("aria-label", label);
    this.element.removeAttribute("hidden");
  }

  #path(name) {
    const path = document.createElementNS(NS, "path");
    path.setAttribute("class", name);
    path.setAttribute("vector-effect", "non-scaling-stroke");
    this.element.append(path);
    return path;
  }
}
