import type { Clock } from "../../../src/client/clock.ts";

interface Timer {
  readonly due: number;
  /** Another party's: it fires as all do, and is not counted. */
  readonly isForeign: boolean;
  readonly fire: () => void;
}

/** Time that stands still until it is moved. */
export interface ManualClock extends Clock {
  /** Moves on, firing what comes due in order, and lets everything that follows from it happen first. */
  advance(ms: number): Promise<void>;
  /** Advances from timer to timer until the promise has settled, and settles with it. */
  until<T>(promise: Promise<T>): Promise<T>;
  /** Timers that are armed. */
  pending(): number;
  /** The same time for somebody else, whose timers are not counted. */
  readonly foreign: Clock;
}

export function createManualClock(): ManualClock {
  const timers = new Set<Timer>();
  // Not 0, so that an instant is not taken for a duration unnoticed.
  let nowMs = 1_000_000;

  const handsOf = (isForeign: boolean): Clock => {
    const after = (ms: number, fire: () => void) => {
      const timer = { due: nowMs + Math.max(0, ms), fire, isForeign };
      if (ms !== Number.POSITIVE_INFINITY) timers.add(timer);
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
  const next = () => [...timers].sort((a, b) => a.due - b.due)[0];
  const fireUntil = async (target: number) => {
    await settle();
    for (let timer = next(); timer !== undefined && timer.due <= target; timer = next()) {
      timers.delete(timer);
      nowMs = Math.max(nowMs, timer.due);
      timer.fire();
      await settle();
    }
    nowMs = target;
  };

  return {
    ...handsOf(false),
    foreign: handsOf(true),
    advance: (ms) => fireUntil(nowMs + ms),
    async until(promise) {
      let open = true;
      const close = () => {
        open = false;
      };
      promise.then(close, close);
      await settle();
      while (open) {
        const timer = next();
        if (timer === undefined) throw new Error("nothing is armed, and the promise is open still");
        await fireUntil(timer.due);
      }
      return promise;
    },
    pending: () => [...timers].filter(({ isForeign }) => !isForeign).length,
  };
}

/** Everything that follows by itself has happened: in these tests nothing waits for input or output. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 3; turn++) await new Promise<void>((resolve) => setImmediate(resolve));
}
