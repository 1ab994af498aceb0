import { createHash } from "node:crypto";

/** Numbers that look random and are the same for the same seed, on every machine and in every version of Node. */
export interface Random {
  /** From 0 up to, but not including, 1. */
  fraction(): number;
  /** A whole number from 0 up to, but not including, `bound`. */
  below(bound: number): number;
  /** Lower-case hexadecimal digits; at most 64. */
  hex(digits: number): string;
}

/** A hash over a counter: slower than a generator made for the purpose, and nothing in it needs a proof. */
export function createRandom(seed: string): Random {
  let drawn = 0;
  const draw = () => createHash("sha256").update(`${seed}/${drawn++}`).digest();
  const fraction = () => draw().readUInt32BE(0) / 2 ** 32;
  return {
    fraction,
    below: (bound) => Math.floor(fraction() * bound),
    hex: (digits) => draw().toString("hex").slice(0, digits),
  };
}
