// Oklab (Ottosson, 2020), which separates lightness and chroma, as images/oklab.py has it.
//
// A colour is three numbers: levels of sRGB, 0…255, or L, a, b. The curves are odd about 0.

import { oklab as method } from "./constants.js";

const { CONES, LAB, BELOW, ABOVE, HALVINGS } = method;
const [CONES_INVERSE, LAB_INVERSE] = [CONES, LAB].map(inverse);

const times = (matrix, [x, y, z]) => matrix.map(([a, b, c]) => a * x + b * y + c * z);

function inverse([[a, b, c], [d, e, f], [g, h, i]]) {
  const first = [e * i - f * h, c * h - b * i, b * f - c * e];
  const second = [f * g - d * i, a * i - c * g, c * d - a * f];
  const third = [d * h - e * g, b * g - a * h, a * e - b * d];
  const determinant = a * first[0] + b * second[0] + c * third[0];
  return [first, second, third].map((row) => row.map((value) => value / determinant));
}

function linear(level) {
  const size = Math.abs(level) / 255;
  const light = size <= 0.04045 ? size / 12.92 : ((size + 0.055) / 1.055) ** 2.4;
  return level < 0 ? -light : light;
}

function leveled(light) {
  const size = Math.abs(light);
  const curve = size <= 0.0031308 ? 12.92 * size : 1.055 * size ** (1 / 2.4) - 0.055;
  return 255 * (light < 0 ? -curve : curve);
}

/** Return L, a, b of levels. */
export const toOklab = (levels) => times(LAB, times(CONES, levels.map(linear)).map(Math.cbrt));

/** Return the levels of L, a, b, beyond 0…255 where sRGB has no such colour. */
export const fromOklab = (lab) => linearOf(lab).map(leveled);

/** Return the level of the grey with lightness L. */
export const greyLevel = (lightness) => leveled(lightness ** 3);

/** Whether sRGB has a colour. */
export const isColor = (lab) => linearOf(lab).every((light) => light >= BELOW && light <= ABOVE);

/** Reduce the chroma of a colour to what sRGB has at its L and hue. */
export function nearestColor([lightness, a, b]) {
  let [least, most] = [0, 1];
  for (let step = 0; step < HALVINGS; step++) {
    const middle = (least + most) / 2;
    if (isColor([lightness, a * middle, b * middle])) least = middle;
    else most = middle;
  }
  return [lightness, a * least, b * least];
}

const linearOf = (lab) => times(CONES_INVERSE, times(LAB_INVERSE, lab).map((each) => each ** 3));
