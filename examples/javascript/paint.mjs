// Paints a photo in the style of a painting, with onnxruntime-node and a decoder of PNG.
//
//     npm ci --ignore-scripts
//     node paint.mjs vgg19-lite.onnx photo.png painting.png out.png [EVALUATIONS]
//
// The pictures have the size that is painted, at least 32 × 32.
import { readFileSync, writeFileSync } from 'node:fs';
import ort from 'onnxruntime-node';
import { PNG } from 'pngjs';

const PAIRS = 20; // steps that the optimiser remembers
const CONTENT = { conv3_1: 1 / 702, conv4_2: 1 / 702, conv5_2: 700 / 702 };
const STYLE = { conv1_1: 64, conv2_1: 16, conv3_1: 4, conv4_1: 1, conv5_1: 1 };

const tensor = (dims, data) => new ort.Tensor('float32', data ?? zeros(dims), dims);
const zeros = (dims) => new Float32Array(dims.reduce((a, b) => a * b, 1));
const scalar = (value) => tensor([], Float32Array.of(value));

/** Where the line `i` of a frame lies in a mirrored picture of `length` lines. */
const mirrored = (i, length) => (i < 0 ? -i : i < length ? i : 2 * length - 2 - i);

/** Reads a picture into a mirrored frame of at least 8 pixels, whose sides are multiples of 16. */
function read(path) {
  const { width, height, data } = PNG.sync.read(readFileSync(path)); // RGBA
  const [w, h] = [width, height].map((side) => Math.ceil((side + 16) / 16) * 16);
  const [left, top] = [(w - width) >> 1, (h - height) >> 1];
  const planes = new Float32Array(3 * h * w);
  for (let c = 0, to = 0; c < 3; c++)
    for (let y = 0; y < h; y++)
      for (let x = 0; x < w; x++)
        planes[to++] = data[4 * (mirrored(y - top, height) * width + mirrored(x - left, width)) + c];
  return { width, height, left, top, h, w, image: tensor([1, 3, h, w], planes) };
}

/** Writes what is inside the frame. */
function write(path, planes, { width, height, left, top, h, w }) {
  const png = new PNG({ width, height });
  png.data.fill(255);
  for (let c = 0; c < 3; c++)
    for (let y = 0; y < height; y++)
      for (let x = 0; x < width; x++)
        png.data[4 * (y * width + x) + c] = Math.round(planes[(c * h + y + top) * w + x + left]);
  writeFileSync(path, PNG.sync.write(png, { colorType: 2 }));
}

const [model, contentPath, stylePath, output, evaluations = '40'] = process.argv.slice(2);
const load = (role) => ort.InferenceSession.create(model.replace(/onnx$/, `${role}.onnx`));
const [targets, descent] = [await load('targets'), await load('descend')];
const [content, style] = [read(contentPath), read(stylePath)];
const { h, w } = content;

// What stays the same: targets, weights, and which pixels may change.
const [ofContent, ofStyle] = [await targets.run({ image: content.image }), await targets.run({ image: style.image })];
const feeds = { free: tensor([1, 1, h, w], zeros([h, w]).fill(1)), tv_weight: scalar(0) };
for (const name of targets.outputNames) feeds[name] = (name.startsWith('style') ? ofStyle : ofContent)[name];
for (const layer in CONTENT) feeds[`content_weight/${layer}`] = scalar((CONTENT[layer] * 512 ** 2) / (h * w));
for (const layer in STYLE) feeds[`style_weight/${layer}`] = scalar((30 * STYLE[layer]) / 86);

// The state, which begins as zeros. The graph says how many partial sums the loss has.
const sums = parseInt(descent.inputMetadata.find((input) => input.name === 'point_sums').shape[0]) + 2 * h - 1;
const [picture, pairs] = [[1, 3, h, w], [3, h, PAIRS + 1, w]];
const shapes = { point: picture, point_gradient: picture, direction: picture, steps: pairs, changes: pairs };
Object.assign(shapes, { inverse: [PAIRS + 1, PAIRS + 1], point_sums: [sums], numbers: [12] });
let state = { image: content.image };
for (const name in shapes) state[name] = tensor(shapes[name]);

for (let number = 1; number <= evaluations; number++) {
  const found = await descent.run({ ...feeds, ...state });
  for (const name in state) state[name] = found[`next/${name}`];
  const [loss, stalled] = [state.numbers.data[1], state.numbers.data[9]];
  console.log(number, loss.toExponential(8));
  if (stalled || !Number.isFinite(loss)) break;
}
write(output, state.point.data, content);
