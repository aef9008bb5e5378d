// Gaussian noise from a seed. It is distributed as Python's, whose generator it is not.

/** Yield numbers in (0, 1): the generator of Marsaglia's xorshift128. */
function* uniform(seed) {
  // Weyl's sequence and a mixer fill the state, so that near seeds have nothing in common.
  let weyl = Number(BigInt(seed) & 0xffffffffn) ^ Number(BigInt(seed) >> 32n);
  const state = Uint32Array.from({ length: 4 }, () => {
    weyl = (weyl + 0x9e3779b9) | 0;
    let mixed = Math.imul(weyl ^ (weyl >>> 16), 0x85ebca6b);
    mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
    return mixed ^ (mixed >>> 16);
  });
  for (;;) {
    let last = state[3];
    last ^= last << 11;
    last ^= last >>> 8;
    const first = state[0];
    state.copyWithin(1, 0, 3);
    state[0] = last ^ first ^ (first >>> 19);
    yield (state[0] + 0.5) / 2 ** 32;
  }
}

/** Return `length` numbers with a mean and a deviation. */
export function normal(seed, length, mean, deviation) {
  const numbers = uniform(seed);
  const next = () => numbers.next().value;
  const made = new Float32Array(length);
  for (let i = 0; i < length; i += 2) {
    const [radius, angle] = [Math.sqrt(-2 * Math.log(next())), 2 * Math.PI * next()];
    made[i] = mean + deviation * radius * Math.cos(angle);
    if (i + 1 < length) made[i + 1] = mean + deviation * radius * Math.sin(angle);
  }
  return made;
}
