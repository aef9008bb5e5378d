// What a graph's file says about it. ONNX Runtime for the web does not tell, so the fields
// `metadata_props` of the ONNX model are read, and everything else is skipped.

const METADATA = 14;
const [KEY, VALUE] = [1, 2];
const [VARINT, FIXED64, BYTES, FIXED32] = [0, 1, 2, 5];

/** Yield the fields of a message of protocol buffers that hold bytes: [number, bytes]. */
function* fields(bytes) {
  let at = 0;
  const varint = () => {
    let [value, factor] = [0, 1];
    for (;;) {
      const byte = bytes[at++];
      value += (byte & 127) * factor;
      if (!(byte & 128)) return value;
      factor *= 128;
    }
  };
  while (at < bytes.length) {
    const tag = varint();
    const [number, kind] = [tag >>> 3, tag & 7];
    if (kind === VARINT) varint();
    else if (kind === FIXED64) at += 8;
    else if (kind === FIXED32) at += 4;
    else if (kind === BYTES) {
      const length = varint();
      yield [number, bytes.subarray(at, (at += length))];
    } else throw new Error(`a field of kind ${kind}`);
  }
}

/** Return the metadata of an ONNX file by key. */
export function metadataOf(bytes) {
  const text = new TextDecoder();
  const found = {};
  for (const [number, field] of fields(bytes)) {
    if (number !== METADATA) continue;
    const entry = Object.fromEntries(fields(field));
    found[text.decode(entry[KEY])] = text.decode(entry[VALUE]);
  }
  return found;
}
