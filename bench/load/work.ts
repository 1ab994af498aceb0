import type { Caller } from "./caller.ts";
import { completeOf, createClaims, createNames, handleOf, nameOf, outcomeOf } from "./messages.ts";

/** What one caller does again and again. */
export type Work =
  /** A claim of a new key, and its completion. */
  | { readonly kind: "pairs" }
  /** A claim of a new key, and that is all. */
  | { readonly kind: "claims" }
  /** A claim of a key that has ended, one of so many. `endKeys` must have been called. */
  | { readonly kind: "replays"; readonly keys: number }
  /** Pairs among replays, this share of the whole. */
  | { readonly kind: "mix"; readonly keys: number; readonly freshShare: number }
  /**
   * A claim of one of so many keys that nobody has claimed when it begins, by Zipf's law: the key of rank n is claimed
   * in proportion to n^-exponent. Whoever acquires completes.
   */
  | { readonly kind: "zipf"; readonly keys: number; readonly exponent: number };

export interface Worker {
  once(): Promise<void>;
  /** How claims were answered, where that may differ. */
  readonly outcomes: ReadonlyMap<string, number>;
}

const RESULTS = "with-a-result";

export function createWorker(caller: Caller, work: Work): Worker {
  const outcomes = new Map<string, number>();
  const claimOf = createClaims();
  const newName = createNames();
  const pair = async () => void (await caller.complete(completeOf(handleOf(await caller.claim(claimOf(newName()))))));
  const replay = async (keys: number) => {
    const outcome = outcomeOf(await caller.claim(claimOf(nameOf(RESULTS, Math.floor(Math.random() * keys)))));
    if (outcome !== "completed") throw new Error(`a replay was answered ${outcome}`);
  };
  switch (work.kind) {
    case "pairs":
      return { outcomes, once: pair };
    case "claims":
      return { outcomes, once: async () => void handleOf(await caller.claim(claimOf(newName()))) };
    case "replays":
      return { outcomes, once: () => replay(work.keys) };
    case "mix":
      return { outcomes, once: () => (Math.random() < work.freshShare ? pair() : replay(work.keys)) };
    case "zipf": {
      const rankOf = createZipf(work.keys, work.exponent);
      const family = newName().slice(-16);
      const once = async () => {
        const answer = await caller.claim(claimOf(nameOf(family, rankOf())));
        const outcome = outcomeOf(answer);
        outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
        if (outcome === "acquired") await caller.complete(completeOf(handleOf(answer)));
      };
      return { outcomes, once };
    }
  }
}

/** Ends the keys that replays are of; returns what a claim of one of them is answered. */
export async function endKeys(caller: Caller, keys: number, callers: number): Promise<Buffer> {
  const claimOf = createClaims();
  let next = 0;
  const end = async () => {
    while (next < keys) {
      const answer = await caller.claim(claimOf(nameOf(RESULTS, next++)));
      await caller.complete(completeOf(handleOf(answer)));
    }
  };
  await Promise.all(Array.from({ length: callers }, end));
  return caller.claim(claimOf(nameOf(RESULTS, 0)));
}

/** Ranks from 0. */
function createZipf(keys: number, exponent: number): () => number {
  const sums = new Float64Array(keys);
  let sum = 0;
  for (let rank = 0; rank < keys; rank++) {
    sum += (rank + 1) ** -exponent;
    sums[rank] = sum;
  }
  return () => {
    const wanted = Math.random() * sum;
    let [low, high] = [0, keys - 1];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((sums[middle] ?? sum) < wanted) low = middle + 1;
      else high = middle;
    }
    return low;
  };
}
