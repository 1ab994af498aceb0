import { type Clock, systemClock } from "../client/clock.ts";
import { never } from "../client/runtime.ts";

/** The time that everything of a test server goes by, clients included. */
export interface Time extends Clock {
  /** Moves on by so much, or lets that much pass, and resolves when everything has happened that follows from it. */
  advance(ms: number): Promise<void>;
  /** Settles with the promise, and moves on meanwhile: from timer to timer, and no further than so much. */
  until<T>(promise: Promise<T>, withinMs: number): Promise<T>;
  /** Resolves when everything has happened that follows by itself from what has happened so far. */
  settle(): Promise<void>;
  /** Something has happened that code of the user's may go on from. */
  stir(): void;
  /** The same time for what nothing of the user's goes on from by itself. */
  readonly inner: Clock;
}

interface Timer {
  readonly isInner: boolean;
  readonly dueMs: number;
  readonly ring: () => void;
}

/**
 * Taken when this module is loaded: a runner that puts timers of its own in the place of Node's would otherwise keep
 * `advance` waiting for somebody to move those.
 */
const { setImmediate: immediately } = globalThis;

/**
 * What follows from a call or a timer are microtasks, all of which run before the next turn of the event loop. So one
 * turn does for everything of ours; those after it, in which nothing stirs, are for code of the user's that takes turns.
 */
const QUIET_TURNS = 4;
/** Whoever calls again at once, and again, would keep time standing still for ever. */
const TURNS_MAX = 100_000;

/** Time that stands still until it is moved. */
export function createManualTime(): Time {
  const timers = new Set<Timer>();
  // Not 0, so that an instant is not taken for a duration unnoticed.
  let nowMs = 1_000_000;
  let goalMs = nowMs;
  let stirs = 0;

  const stir = () => {
    stirs++;
  };

  /** So many turns, and as many as it takes for nothing to stir any more. */
  const followed = async (turns: number, since: number) => {
    let seen = since;
    for (let left = turns, all = 0; left > 0; left--, all++) {
      if (all === TURNS_MAX) throw new Error("calls follow each other without end, and take no time");
      await new Promise<void>((resolve) => immediately(resolve));
      if (stirs === seen) continue;
      seen = stirs;
      left = QUIET_TURNS + 1;
    }
  };

  const settle = () => followed(QUIET_TURNS, stirs);

  /** Of those of one moment, the one that was set first. */
  const next = (): Timer | undefined => {
    let first: Timer | undefined;
    for (const timer of timers) if (first === undefined || timer.dueMs < first.dueMs) first = timer;
    return first;
  };

  const ring = async (timer: Timer) => {
    timers.delete(timer);
    nowMs = Math.max(nowMs, timer.dueMs);
    const since = stirs;
    timer.ring();
    await followed(timer.isInner ? 1 : QUIET_TURNS, since);
  };

  const handOf = (isInner: boolean): Clock => {
    const after = (ms: number, callback: () => void) => {
      const timer = { dueMs: nowMs + Math.max(0, ms), isInner, ring: callback };
      if (ms !== Number.POSITIVE_INFINITY) timers.add(timer);
      if (!isInner) stir();
      return () => void timers.delete(timer);
    };
    const sleep = (ms: number, signal: AbortSignal) =>
      new Promise<void>((resolve, reject) => {
        if (signal.aborted) return reject(signal.reason);
        const cancel = after(ms, () => {
          signal.removeEventListener("abort", onAbort);
          resolve();
        });
        const onAbort = () => {
          cancel();
          reject(signal.reason);
        };
        signal.addEventListener("abort", onAbort, { once: true });
      });
    return { monotonicMs: () => nowMs, after, sleep };
  };

  return {
    ...handOf(false),
    inner: handOf(true),

    async advance(ms) {
      // One that begins while another one is under way goes on from where that will end.
      goalMs = Math.max(goalMs, nowMs) + ms;
      const targetMs = goalMs;
      await settle();
      for (let timer = next(); timer !== undefined && timer.dueMs <= targetMs; timer = next()) {
        await ring(timer);
      }
      nowMs = Math.max(nowMs, targetMs);
    },

    async until(promise, withinMs) {
      let isOpen = true;
      const close = () => {
        isOpen = false;
      };
      promise.then(close, close);
      const lastMs = nowMs + withinMs;
      await settle();
      while (isOpen) {
        const timer = next();
        if (timer === undefined)
          throw new Error("the promise is open still, and nothing is left that time could change");
        if (timer.dueMs > lastMs) throw new Error(`the promise is open still after ${withinMs} ms of the manual clock`);
        await ring(timer);
      }
      return promise;
    },

    settle,
    stir,
  };
}

/** Time as it passes. */
export function createRealTime(): Time {
  const settle = async () => {
    for (let turn = 0; turn < QUIET_TURNS; turn++) await new Promise<void>((resolve) => immediately(resolve));
  };
  return {
    ...systemClock,
    advance: (ms) => systemClock.sleep(ms, never()),
    until: (promise) => promise,
    settle,
    stir() {},
    inner: systemClock,
  };
}
