/** Chance that is the same for the same seed. */
export interface Chance {
  /** From 0 to 1. */
  random(): number;
  between(min: number, max: number): number;
  /** A whole number, both ends included. */
  whole(min: number, max: number): number;
  chance(share: number): boolean;
  pick<T>(from: readonly T[]): T;
}

export function createChance(seed: number): Chance {
  const random = createRandom(seed);
  return {
    random,
    between: (min, max) => min + random() * (max - min),
    whole: (min, max) => min + Math.floor(random() * (max - min + 1)),
    // No draw where there is nothing to decide: what cannot happen costs nothing.
    chance: (share) => share > 0 && random() < share,
    pick(from) {
      const picked = from[Math.floor(random() * from.length)];
      if (picked === undefined) throw new Error("nothing to pick from");
      return picked;
    },
  };
}

/** Mulberry32, begun far from its neighbours' states: 32 bits are enough to tell some million runs apart. */
function createRandom(seed: number): () => number {
  let state = Math.imul(seed ^ 0x9e3779b9, 0x85ebca6b) >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
