import type { Clock } from "../../../src/clock.ts";

/** Time that passes from one event to the next, and chance that is the same for the same seed. */
export interface VirtualTime extends Clock {
  /** From 0 to 1. */
  random(): number;
  between(min: number, max: number): number;
  chance(share: number): boolean;
  pick<T>(from: readonly T[]): T;
  /**
   * Lets one event after the other happen, and everything that follows from each, until `isOver` says so after one of
   * them, or nothing is left that could happen.
   */
  run(isOver: () => boolean): Promise<"over" | "idle">;
}

interface Event {
  readonly dueMs: number;
  /** Decides between events of the same moment. */
  readonly lot: number;
  readonly happen: () => void;
}

export function createVirtualTime(seed: number): VirtualTime {
  const events = new Set<Event>();
  const random = createRandom(seed);
  let nowMs = 0;

  const next = (): Event | null => {
    let first: Event | null = null;
    for (const event of events) {
      if (first === null || event.dueMs < first.dueMs || (event.dueMs === first.dueMs && event.lot < first.lot)) {
        first = event;
      }
    }
    return first;
  };

  return {
    random,
    between: (min, max) => min + random() * (max - min),
    chance: (share) => random() < share,
    pick(from) {
      const picked = from[Math.floor(random() * from.length)];
      if (picked === undefined) throw new Error("nothing to pick from");
      return picked;
    },
    monotonicMs: () => nowMs,
    turn: () => new Promise((happen) => events.add({ dueMs: nowMs, lot: random(), happen })),
    sleep(ms, signal) {
      return new Promise((resolve, reject) => {
        if (signal?.aborted) return reject(signal.reason);
        const event = { dueMs: nowMs + Math.max(0, ms), lot: random(), happen: resolve };
        if (event.dueMs < Number.POSITIVE_INFINITY) events.add(event);
        const leave = () => {
          events.delete(event);
          reject(signal?.reason);
        };
        signal?.addEventListener("abort", leave, { once: true });
      });
    },
    async run(isOver) {
      for (;;) {
        await followed();
        if (isOver()) return "over";
        const event = next();
        if (event === null) return "idle";
        events.delete(event);
        nowMs = event.dueMs;
        event.happen();
      }
    },
  };
}

/** Nothing in a simulation waits for input or output, so whatever follows from an event follows before this. */
function followed(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** Mulberry32: 32 bits of state are enough to tell some thousand runs apart. */
function createRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
