// Everything that a run is made from: pictures at the sizes at which they were read, and
// settings.

import { contract } from "./constants.js";
import { dial, forStyles, shares } from "./settings.js";
import { fittedSize, rounded } from "./sizes.js";

export class Inputs {
  /**
   * @param settings all of them, completed
   * @param usual the strength that no strength stands for
   * @param info what the model says of itself
   * @param pictures raw pictures: {content, styles, init}, `init` null unless a file is given
   * @param longest longest side of the result; by default what the settings say
   */
  constructor(settings, usual, info, { content, styles, init }, longest = settings.size) {
    this.settings = settings;
    this.content = content;
    this.styles = styles;
    this.init = init;
    this.size = fittedSize(content.original, longest, settings.enlarge, "content");
    this.meant = usual;
    this.dial = dial(settings, usual);
    this.layers = {
      content: shares(settings.content_layers, info.contentLayers, "content"),
      style: shares(settings.style_layers, info.styleLayers, "style"),
    };
    const blend = forStyles(settings.blend ?? 1, styles.length, "blend");
    const total = blend.reduce((sum, weight) => sum + weight, 0);
    this.blend = blend.map((weight) => weight / total);
    this.styleSizes = this.#styleSizes();
  }

  /** Whether the run starts from the content: then the change of it is what is enlarged. */
  get fromContent() {
    return this.init === null && this.settings.init === "content";
  }

  /** The picture that the run starts from; null for noise. */
  get start() {
    if (this.init) return this.init;
    const { init } = this.settings;
    if (init === "style") return this.styles[this.blend.indexOf(Math.max(...this.blend))];
    return init === "noise" ? null : this.content;
  }

  /** Sizes of the styles at the finest level, as transfer/style_size.py has them. */
  #styleSizes() {
    const { settings, styles, size } = this;
    const scales = forStyles(settings.style_scale, styles.length, "style_scale");
    return styles.map(({ original }, index) => {
      const [long, short] = [Math.max(...original), Math.min(...original)];
      const least = Math.ceil((contract.MINIMUM_SIDE * long) / short);
      const longest = Math.max(rounded(Math.max(...size) * scales[index]), least);
      return fittedSize(original, longest, settings.enlarge, "style");
    });
  }
}
