/** Numbers from 0 up to but not including 1, the same for the same seed (mulberry32). */
export type Random = () => number;

export function createRandom(seed: number): Random {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Not far from where they were: those who race are to meet at the same keys. */
export function shuffled<Thing>(things: readonly Thing[], random: Random): readonly Thing[] {
  const placed = things.map((thing, place) => ({ thing, place: place + random() * REACH }));
  return placed.sort((one, other) => one.place - other.place).map(({ thing }) => thing);
}

const REACH = 12;
