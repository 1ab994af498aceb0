/** The same bytes for the same seed, so that what fails can be seen again. */
export function seededBytes(length: number, seed: number): Buffer {
  let state = seed;
  const next = () => {
    state = (Math.imul(state ^ (state >>> 15), 0x2c1b_3c6d) + 0x9e37_79b9) | 0;
    return (state ^ (state >>> 13)) & 0xff;
  };
  return Buffer.from(Array.from({ length }, next));
}
