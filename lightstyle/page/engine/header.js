// Reads the size of a PNG or JPEG from its first bytes, before anything is decoded.

/** Bytes of a file that are looked at: the tags of a photo come before its size. */
const HEAD = 1 << 20;

const PNG = 0x89504e47;
const JPEG = 0xffd8;

/** Markers of a JPEG that begin a frame: all C0…CF but those of tables. */
const beginsFrame = (marker) =>
  marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker);

/** Return width and height as they are stored, or null where the first bytes do not tell. */
export async function headerSize(blob) {
  const view = new DataView(await blob.slice(0, HEAD).arrayBuffer());
  if (view.byteLength < 24) return null;
  if (view.getUint32(0) === PNG) return [view.getUint32(16), view.getUint32(20)];
  return view.getUint16(0) === JPEG ? jpegSize(view) : null;
}

function jpegSize(view) {
  for (let at = 2; at + 9 < view.byteLength; ) {
    if (view.getUint8(at) !== 0xff) return null;
    const marker = view.getUint8(at + 1);
    if (marker === 0xff) at++; // fill
    else if (beginsFrame(marker)) return [view.getUint16(at + 7), view.getUint16(at + 5)];
    else at += 2 + view.getUint16(at + 2);
  }
  return null;
}
