// The weight of every term of the loss, from those of its three parts.

import { contract } from "./constants.js";
import { Problem } from "./problem.js";
import { area } from "./sizes.js";

/**
 * Compute weights by the name of the term, as `term_weights` in losses/weights.py: content
 * and total variation are scaled to what they would be at 512 × 512.
 *
 * @param balance weights of the parts, {content, style, tv}
 * @param layers shares of the content and style layers, {content, style}
 * @param canvas size of the pictures
 */
export function termWeights(balance, layers, canvas) {
  const scale = contract.REFERENCE_SIDE ** 2 / area(canvas);
  const weights = { tv_loss: balance.tv * scale };
  for (const [layer, share] of Object.entries(layers.content))
    weights[`content_loss/${layer}`] = balance.content * scale * share;
  for (const [layer, share] of Object.entries(layers.style))
    weights[`style_loss/${layer}`] = balance.style * share;
  if (Object.values(weights).every((weight) => weight === 0))
    throw new Problem("settings", "all weights are 0: nothing is left to minimise");
  return weights;
}
