import type { Clock } from "../clock.ts";

/** One timer for many instants. */
export interface Alarm {
  /** Rings at this instant at the latest. */
  by(atMs: number): void;
  stop(): void;
}

/** @param ring says until when nothing is due, by the clock's monotonic time; Infinity: nothing is */
export function createAlarm(clock: Clock, ring: (nowMs: number) => number): Alarm {
  let setForMs = Number.POSITIVE_INFINITY;
  let cancel = () => {};

  const by = (atMs: number) => {
    if (atMs >= setForMs) return;
    cancel();
    setForMs = atMs;
    cancel = clock.after(atMs - clock.monotonicMs(), () => {
      setForMs = Number.POSITIVE_INFINITY;
      by(ring(clock.monotonicMs()));
    });
  };

  return {
    by,
    stop() {
      cancel();
      setForMs = Number.NEGATIVE_INFINITY;
    },
  };
}
