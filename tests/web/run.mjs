// Runs graphs on feeds that Python wrote down; floats travel as base64.

const floats = (text) =>
  new Float32Array(Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0)).buffer);

const text = (values) => {
  const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
  let letters = '';
  for (const byte of bytes) letters += String.fromCharCode(byte);
  return btoa(letters);
};

/**
 * Run every case in a session of its own.
 *
 * @param ort the module of onnxruntime
 * @param provider name of the execution provider; no node may run on another
 * @param cases by name: graph and weights (files), sizes, and feeds with shape and data
 * @param read returns the bytes of a file
 * @returns outputs by name of the case and of the output
 */
export async function run(ort, provider, cases, read) {
  const webgpu = provider === 'webgpu';
  const options = {
    executionProviders: [webgpu ? { name: 'webgpu', preferredLayout: 'NCHW' } : provider],
    ...(webgpu && { extra: { session: { disable_cpu_ep_fallback: '1' } } }),
  };
  const found = {};
  for (const [name, { graph, weights, sizes, feeds }] of Object.entries(cases)) {
    const session = await ort.InferenceSession.create(await read(graph), {
      ...options,
      externalData: weights ? [{ path: weights, data: await read(weights) }] : [],
      freeDimensionOverrides: sizes,
    });
    const tensors = {};
    for (const [key, { shape, data }] of Object.entries(feeds)) {
      tensors[key] = new ort.Tensor('float32', floats(data), shape);
    }
    const outputs = await session.run(tensors);
    found[name] = {};
    for (const [key, tensor] of Object.entries(outputs)) {
      found[name][key] = text(await tensor.getData());
    }
    await session.release();
  }
  return found;
}
