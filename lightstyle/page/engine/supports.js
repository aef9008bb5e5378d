// Which jobs, settings and words are done in the browser; for every other one, why not.

const GUIDED = "Masks and regions are painted by Lightstyle itself; here the whole picture is.";

/** True, a sentence for the user, or either of them for each word of a setting. */
export const supports = {
  jobs: {
    stylize: true,
    texture: "Textures are made by Lightstyle itself.",
    reconstruct: "Reconstructions are made by Lightstyle itself.",
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
    balance_layers: "Layers are balanced by Lightstyle itself.",
    style_scale: true,
    blend: true,
    color: {
      style: true,
      "content-chroma": true,
      "content-histogram": "Colours are matched by Lightstyle itself.",
      "match-style": "Colours are matched by Lightstyle itself.",
    },
    colors_of: "Colours are matched by Lightstyle itself.",
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
