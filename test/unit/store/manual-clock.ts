import type { Clock } from "../../../src/clock.ts";

/** Time that stands still until it is moved. */
export interface ManualClock extends Clock {
  /** Moves on, waking the sleepers that come due in order, and lets everything follow that follows from each. */
  advance(ms: number): Promise<void>;
  readonly sleepers: number;
}

interface Sleeper {
  readonly due: number;
  readonly wake: () => void;
}

export function createManualClock(): ManualClock {
  const sleeping = new Set<Sleeper>();
  let nowMs = 1_000_000; // Not 0, so that an instant taken for a duration is noticed.

  const earliest = (): Sleeper | undefined => [...sleeping].sort((a, b) => a.due - b.due)[0];

  return {
    monotonicMs: () => nowMs,
    turn: () => new Promise((resolve) => setImmediate(resolve)),
    sleep(ms, signal) {
      return new Promise((resolve, reject) => {
        if (signal?.aborted) return reject(signal.reason);
        const entry = { due: nowMs + Math.max(0, ms), wake: resolve };
        sleeping.add(entry);
        const leave = () => {
          sleeping.delete(entry);
          reject(signal?.reason);
        };
        signal?.addEventListener("abort", leave, { once: true });
      });
    },
    async advance(ms) {
      const target = nowMs + ms;
      await settled();
      for (let next = earliest(); next !== undefined && next.due <= target; next = earliest()) {
        nowMs = next.due;
        sleeping.delete(next);
        next.wake();
        await settled();
      }
      nowMs = target;
    },
    get sleepers() {
      return sleeping.size;
    },
  };
}

/** Everything has happened that follows by itself: nothing in these tests waits for input or output. */
export async function settled(): Promise<void> {
  for (let turn = 0; turn < 2; turn++) await new Promise<void>((resolve) => setImmediate(resolve));
}
