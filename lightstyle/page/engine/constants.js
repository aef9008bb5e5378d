// Constants of the method that are no settings. Each has the name of Python's, which says
// what it is for; `tests/lightstyle/page/engine/test_constants.py` compares all of them.

export const VERSION = "0.1.0";

/** contract.py, and engine/plan.py: how many steps the optimiser remembers, at most. */
export const contract = { SCHEMA: 4, MINIMUM_SIDE: 32, REFERENCE_SIDE: 512 };
export const plan = { HISTORIES: [20, 10, 5] };

/** site/devices.py: the longest side that is painted on each device. */
export const devices = { LARGEST: { webgpu: 1024, wasm: 512 } };

/** images/: picture.py and reducing.py, pillow_guard.py, metadata.py, color.py. */
export const images = {
  MAXIMUM_PIXELS: 150_000_000,
  NARROWEST: 1000,
  WHOLE: 16_000_000,
  SPARE: 2,
  SEEN: 127.5,
  KEYWORD: "lightstyle",
  LONGEST: 60_000,
};

/** images/oklab.py, palettes.py. */
export const oklab = {
  CONES: [
    [0.4122214708, 0.5363325363, 0.0514459929],
    [0.2119034982, 0.6806995451, 0.1073969566],
    [0.0883024619, 0.2817188376, 0.6299787005],
  ],
  LAB: [
    [0.2104542553, 0.793617785, -0.0040720468],
    [1.9779984951, -2.428592205, 0.4505937099],
    [0.0259040371, 0.7827717662, -0.808675766],
  ],
  BELOW: -1e-12,
  ABOVE: 1 + 1e-6,
  HALVINGS: 20,
};
export const palettes = { NOISE: 1 };

/** images/bare.py: chunks of a PNG that say something beside the picture. */
export const bare = { PNG_METADATA: ["eXIf", "iTXt", "pHYs", "tEXt", "tIME", "zTXt"] };

/** images/frame.py. */
export const frame = { MARGIN: 8, MULTIPLE: 16 };

/** transfer/levels.py. */
export const levels = { COARSEST: 128, MULTIPLE: 16, LEAST: 10, GAIN: 0.5, FIRST: 0.25 };

/** transfer/start.py. */
export const start = { NOISE_MEAN: 127.5, NOISE_DEVIATION: 12 };

/** settings/settings.py: weights if only the other one is given. */
export const settings = { CONTENT_WEIGHT: 1, STYLE_WEIGHT: 30 };

/** transfer/structure.py, losses/likeness.py. */
export const structure = { FORMS: "conv4_2", NOTHING: 1e-6 };

/** transfer/balance.py. */
export const balance = {
  LOST: 0.19,
  GROWTH: 1.3,
  DESCENTS: 4,
  EVALUATIONS: [4, 8],
  RUN: 12,
  ALL: 0.65,
  POWER: 0.8,
  USUAL: 0.14,
  SHORT: 0.7,
  TOO_MUCH: 1.3,
  LARGEST: 4,
  TV: 0.004,
  VARIATION: 1000,
};

/** optimize/minimize.py, preconditioner.py; export/optimizer/formulas.py, history.py. */
export const minimize = { RESOLUTION: 1e-6 };
export const preconditioner = { GAIN: Math.SQRT1_2, COARSEST_SIDE: 8 };
export const optimizer = {
  LOW: 0,
  HIGH: 255,
  FIRST_STEP: 1,
  SUFFICIENT: 1e-4,
  TRIALS: 8,
  RESOLUTION: 1e-7,
  PATIENCE: 5,
  LEAST_COSINE: 1e-6,
};

/** engine/provider.py: largest relative error of a device's gradient. */
export const selfTest = { TOLERANCE: 1e-3 };

/** records/record.py, service/recorder.py. */
export const record = { SCHEMA: 1 };
export const preview = { LONGEST: 1024, SPARING: 24 };
