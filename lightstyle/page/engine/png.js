// Writes pictures as PNG with 8 bits, and the record in the chunk where Python reads it.

import { bare as method, images } from "./constants.js";

const SIGNATURE = [137, 80, 78, 71, 13, 10, 26, 10];
const [RGB, RGBA, PERCEPTUAL] = [2, 6, 0];
const PAETH = 4;

const ascii = (text) => Uint8Array.from(text, (letter) => letter.charCodeAt(0));

const CRCS = Uint32Array.from({ length: 256 }, (_, byte) => {
  for (let bit = 0; bit < 8; bit++) byte = byte & 1 ? (byte >>> 1) ^ 0xedb88320 : byte >>> 1;
  return byte;
});

function checksum(bytes) {
  let crc = 0xffffffff;
  for (const byte of bytes) crc = CRCS[(crc ^ byte) & 255] ^ (crc >>> 8);
  return ~crc;
}

function chunk(kind, data) {
  const made = new Uint8Array(data.length + 12);
  const view = new DataView(made.buffer);
  view.setUint32(0, data.length);
  made.set(ascii(kind), 4);
  made.set(data, 8);
  view.setInt32(data.length + 8, checksum(made.subarray(4, data.length + 8)));
  return made;
}

/** Rows of samples with Paeth's filter, each behind the number of the filter. */
function filtered(rgba, [width, height], channels) {
  const length = width * channels;
  const made = new Uint8Array((length + 1) * height);
  let [above, row] = [new Uint8Array(length), new Uint8Array(length)];
  for (let y = 0, to = 0; y < height; y++) {
    for (let x = 0, i = 0; x < width; x++)
      for (let c = 0; c < channels; c++) row[i++] = rgba[4 * (y * width + x) + c];
    made[to++] = PAETH;
    for (let i = 0; i < length; i++) {
      const left = i < channels ? 0 : row[i - channels];
      const corner = i < channels ? 0 : above[i - channels];
      made[to++] = row[i] - predicted(left, above[i], corner);
    }
    [above, row] = [row, above];
  }
  return made;
}

function predicted(left, up, corner) {
  const guess = left + up - corner;
  const [byLeft, byUp, byCorner] = [left, up, corner].map((each) => Math.abs(guess - each));
  if (byLeft <= byUp && byLeft <= byCorner) return left;
  return byUp <= byCorner ? up : corner;
}

async function deflated(bytes) {
  const stream = new Blob([bytes]).stream().pipeThrough(new CompressionStream("deflate"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

/**
 * Encode a picture.
 *
 * @param rgba samples, 4 for each pixel
 * @param size width and height
 * @param hasAlpha whether alpha is written
 * @param text ASCII text to store as metadata; left out where it is too long
 * @returns {Promise<Blob>}
 */
export async function encoded(rgba, size, hasAlpha, text) {
  const header = new Uint8Array(13);
  const view = new DataView(header.buffer);
  size.forEach((side, index) => view.setUint32(4 * index, side));
  header.set([8, hasAlpha ? RGBA : RGB], 8);
  const chunks = [chunk("IHDR", header), chunk("sRGB", [PERCEPTUAL])];
  if (text !== null && text.length <= images.LONGEST) // not compressed, no language
    chunks.push(chunk("iTXt", ascii(`${images.KEYWORD}\0\0\0\0\0${text}`)));
  const rows = filtered(rgba, size, hasAlpha ? 4 : 3);
  chunks.push(chunk("IDAT", await deflated(rows)), chunk("IEND", []));
  return new Blob([Uint8Array.from(SIGNATURE), ...chunks], { type: "image/png" });
}

/** Return a PNG without what it says beside the picture. */
export async function bare(blob) {
  const bytes = new Uint8Array(await blob.arrayBuffer());
  const view = new DataView(bytes.buffer);
  const kept = [bytes.subarray(0, SIGNATURE.length)];
  for (let at = SIGNATURE.length; at < bytes.length; ) {
    const end = at + view.getUint32(at) + 12;
    const kind = String.fromCharCode(...bytes.subarray(at + 4, at + 8));
    if (!method.PNG_METADATA.includes(kind)) kept.push(bytes.subarray(at, end));
    at = end;
  }
  return new Blob(kept, { type: "image/png" });
}
