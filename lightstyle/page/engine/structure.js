// Measures how much of the content the pictures of a scene have lost.

import { structure } from "./constants.js";
import { lost } from "./likeness.js";

export class Structure {
  /**
   * @param targets what the pictures are compared with
   * @param layers shares of the content layers that are used
   */
  constructor(targets, layers) {
    const layer = structure.FORMS in layers ? structure.FORMS : Object.keys(layers)[0];
    this.name = `content_target/${layer}`;
    this.targets = targets;
  }

  /** Return how much of the content a canvas, (3, h, w), has lost, 0…1. */
  async lost(canvas) {
    const { model, size, made } = this.targets;
    const { data, dims } = (await model.targets(canvas, size))[this.name];
    return lost(data, made[this.name].data, dims[1]);
  }
}
