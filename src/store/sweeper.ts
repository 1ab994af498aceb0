import type { Clock } from "../clock.ts";
import { type Instant, msBetween } from "../domain/instant.ts";
import type { StoreObserver } from "./observer.ts";
import type { Store, Swept } from "./store.ts";

/** Passes of housekeeping, for as long as the server runs. Every server may have one: they do not get in each other's way. */
export interface Sweeper {
  /** Begins; the signal ends it as `stop` does. */
  start(signal?: AbortSignal): void;
  /** Begins no further pass, and resolves when the one under way is over. */
  stop(): Promise<void>;
}

export interface SweeperDeps {
  readonly store: Pick<Store, "sweep">;
  readonly clock: Clock;
  readonly databaseNow: () => Promise<Instant>;
  readonly observer: StoreObserver;
  readonly intervalMs: number;
  /** Records of each kind in one pass. */
  readonly limit: number;
  /** A pass failed; the next one comes all the same. */
  readonly onError: (error: unknown) => void;
  /** From 0 to 1, for jitter. */
  readonly random: () => number;
}

/** A clock that was corrected may be this far off. Beyond, it jumped, and a jump ahead must not erase tombstones. */
const STEP_MS_MAX = 60_000;
/** An interval is up to this share shorter or longer, so that servers started together do not sweep together. */
const JITTER = 0.2;

interface Reading {
  readonly database: Instant;
  readonly monotonicMs: number;
}

export function createSweeper(deps: SweeperDeps): Sweeper {
  const { store, clock, databaseNow, observer, intervalMs, limit, onError, random } = deps;
  const stopping = new AbortController();
  let running: Promise<void> | null = null;
  let last: Reading | null = null;

  /**
   * Reads both clocks. The database's instant when they went on at the same pace since the last reading; null when one of
   * them jumped, and for the first reading, which has nothing to go by.
   */
  const readSteady = async (): Promise<Instant | null> => {
    const reading: Reading = { database: await databaseNow(), monotonicMs: clock.monotonicMs() };
    const before = last;
    last = reading;
    if (before === null) return null;
    const steppedMs = msBetween(before.database, reading.database) - (reading.monotonicMs - before.monotonicMs);
    if (Math.abs(steppedMs) <= STEP_MS_MAX) return reading.database;
    observer.clockStepped(steppedMs);
    return null;
  };

  /** Passes until one is not full. */
  const sweepAll = async () => {
    while (!stopping.signal.aborted) {
      const steady = await readSteady();
      if (steady === null || stopping.signal.aborted) return;
      const startedAt = clock.monotonicMs();
      // Up to that instant, and not to a clock that the pass would read anew: it may be set ahead in between.
      const swept = await store.sweep(limit, steady);
      observer.swept(swept, clock.monotonicMs() - startedAt);
      if (!isFull(swept, limit)) return;
    }
  };

  const run = async () => {
    while (!stopping.signal.aborted) {
      await sweepAll().catch(onError);
      const jittered = intervalMs * (1 + JITTER * (2 * random() - 1));
      await clock.sleep(jittered, stopping.signal).catch(() => undefined); // Rejects only because we are stopping.
    }
  };

  return {
    start(signal) {
      if (running !== null) throw new Error("bug: a sweeper starts once");
      const stop = () => stopping.abort();
      if (signal?.aborted) stop();
      else signal?.addEventListener("abort", stop, { once: true, signal: stopping.signal });
      running = run();
    },
    async stop() {
      stopping.abort();
      await running;
    },
  };
}

function isFull({ forgotten, abandoned, emptied, settled }: Swept, limit: number): boolean {
  return Math.max(forgotten, abandoned, emptied, settled) >= limit;
}
