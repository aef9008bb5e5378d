// Decodes picture files: upright, in sRGB, with alpha set aside.

import { contract, images } from "./constants.js";
import { headerSize } from "./header.js";
import { isOpaque } from "./picture.js";
import { Problem } from "./problem.js";
import { factor, reduced } from "./reducing.js";
import { area } from "./sizes.js";

/**
 * Decode a picture.
 *
 * @param blob its file
 * @param role what it is for; starts error messages
 * @param longest longest side that is needed, of which a very large picture is read at a
 *   small multiple
 * @returns {Promise<object>} a raw picture, as picture.js has it
 */
export async function decoded(blob, role, longest) {
  const size = await headerSize(blob);
  if (size) refuseOversize(size, role);
  const bitmap = await bitmapOf(blob, role);
  try {
    const original = [bitmap.width, bitmap.height];
    refuseOversize(original, role);
    refuseNarrow(original, role);
    return { ...pixelsOf(bitmap, factor(original, longest)), original };
  } finally {
    bitmap.close();
  }
}

async function bitmapOf(blob, role) {
  try {
    return await createImageBitmap(blob, {
      imageOrientation: "from-image",
      premultiplyAlpha: "none",
      colorSpaceConversion: "default",
    });
  } catch (error) {
    throw new Problem(
      "picture",
      blob.size
        ? `${role}: this is no picture that this browser can read, or it is damaged`
        : `${role}: the file is empty`,
      { cause: error },
    );
  }
}

/** Read pixels. Canvases multiply them with alpha, which takes half floats to undo. */
function pixelsOf(bitmap, by) {
  const { width, height } = bitmap;
  if (by > 1) {
    const { size, rgba } = reduced(bitmap, by);
    // The last column and row stand for fewer pixels than the others.
    return { size, rgba, extent: [width / by, height / by], opaque: isOpaque(rgba) };
  }
  const size = [width, height];
  let rgba = drawn(bitmap, "unorm8");
  const opaque = isOpaque(rgba);
  if (!opaque) rgba = drawn(bitmap, "float16");
  return { size, rgba, extent: size, opaque };
}

function drawn(bitmap, colorType) {
  const { width, height } = bitmap;
  const kind = { colorSpace: "srgb", colorType, willReadFrequently: true };
  const context = new OffscreenCanvas(width, height).getContext("2d", kind);
  context.drawImage(bitmap, 0, 0);
  return context.getImageData(0, 0, width, height).data;
}

function refuseOversize(size, role) {
  if (area(size) <= images.MAXIMUM_PIXELS) return;
  const millions = (pixels) => Math.round(pixels / 1e5) / 10;
  throw new Problem(
    "picture",
    `${role}: ${millions(area(size))} megapixels, expected at most ` +
      `${millions(images.MAXIMUM_PIXELS)} megapixels; make the picture smaller first`,
  );
}

function refuseNarrow([width, height], role) {
  const [long, short] = [Math.max(width, height), Math.min(width, height)];
  if (long <= images.NARROWEST * Math.max(short, contract.MINIMUM_SIDE)) return;
  throw new Problem(
    "picture",
    `${role}: ${width}×${height} pixels, expected one side to be at most ` +
      `${images.NARROWEST} times the other; crop the picture first`,
  );
}
