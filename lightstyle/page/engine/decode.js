// Decodes picture files: upright, in sRGB, with alpha set aside.

import { contract, images } from "./constants.js";
import { isOpaque } from "./picture.js";
import { Problem } from "./problem.js";
import { headerSize } from "./header.js";
import { area } from "./sizes.js";

/**
 * Decode a picture.
 *
 * @param blob its file
 * @param role what it is for; starts error messages
 * @param longest longest side that is needed, of which a very large picture is read at a
 *   small multiple
 * @returns {Promise<{size, rgba, opaque, original}>} `size` as read, `original` as in the file
 */
export async function decoded(blob, role, longest) {
  const size = await headerSize(blob);
  if (size) refuseOversize(size, role);
  const bitmap = await bitmapOf(blob, role);
  try {
    const original = [bitmap.width, bitmap.height];
    refuseOversize(original, role);
    refuseNarrow(original, role);
    return { ...pixelsOf(bitmap, divided(original, longest)), original };
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

function pixelsOf(bitmap, size) {
  const context = new OffscreenCanvas(...size).getContext("2d", {
    colorSpace: "srgb",
    willReadFrequently: true,
  });
  context.imageSmoothingQuality = "high";
  context.drawImage(bitmap, 0, 0, ...size);
  const rgba = context.getImageData(0, 0, ...size).data;
  return { size, rgba, opaque: isOpaque(rgba) };
}

/** The size at which a picture is read: divided by a whole number where it is very large. */
function divided(own, longest) {
  if (area(own) <= images.WHOLE) return own;
  const least = contract.MINIMUM_SIDE;
  const by = Math.max(
    1,
    Math.min(
      Math.floor(Math.max(...own) / (images.SPARE * Math.max(longest, least))),
      Math.floor(Math.min(...own) / (images.SPARE * least)),
    ),
  );
  return own.map((side) => Math.ceil(side / by));
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
