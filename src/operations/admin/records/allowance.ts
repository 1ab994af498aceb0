import type { Clock } from "../../../clock.ts";

/** However long the caller would wait: nobody's list or purge keeps the database busy for longer. */
const ALLOWANCE_MS_MAX = 10_000;

/**
 * Until when a call that works in pages begins another one, an instant of `Clock.monotonicMs()`: for half of the time
 * that the caller gives, so that the answer about what was done comes in time.
 */
export function allowanceOf(clock: Pick<Clock, "monotonicMs">, deadline: number): number {
  const now = clock.monotonicMs();
  return now + Math.min(ALLOWANCE_MS_MAX, (deadline - now) / 2);
}
