// Which jobs, settings and words are done in the browser; for every other one, why not.

const GUIDED = "Masks and regions need the lightstyle command; here the whole picture is painted.";

/** True, a sentence for the user, or either of them for each word of a setting. */
export const supports = {
  jobs: {
    stylize: true,
    texture: "Textures need the lightstyle command.",
    reconstruct: "Reconstructions need the lightstyle command.",
  },
  settings: {
    size: true,
    enlarge: true,
    iterations: true,
    pyramid: true,
    strength: true,
    content_weight: true,
    style_weight: true,
    tv_weight: true,
    content_layers: true,
    style_layers: true,
    style_loss: {
      gram: true,
      gaussian: "This loss needs graphs that are not loaded here.",
      match: "This loss compares every position with every other, which is too slow here.",
    },
    balance_layers: "Balanced layers need the lightstyle command.",
    style_scale: true,
    blend: true,
    color: {
      style: true,
      "content-chroma": true,
      "content-histogram": "Matched colours need the lightstyle command.",
      "match-style": "Matched colours need the lightstyle command.",
    },
    colors_of: "Matched colours need the lightstyle command.",
    content_mask: GUIDED,
    style_mask: GUIDED,
    regions: GUIDED,
    protect: GUIDED,
    outside: GUIDED,
    init: true,
    init_noise: true,
    seed: true,
    pooling: { max: true, average: "The model that is loaded here has max pooling." },
    optimizer: {
      auto: true,
      lbfgs: true,
      lbfgsb: "SciPy's optimiser needs Python.",
    },
    precision: { float32: true, tf32: "This precision is one of CUDA's." },
    metadata: {
      private: true,
      none: true,
      keep: "What the file says of the photo is not read here.",
    },
  },
};
