/**
 * Microseconds since the Unix epoch, by the database's clock; `Infinity` is never.
 *
 * A number, because microseconds stay exact below 2^53 (the year 2255); a `Date` would lose the microseconds that the
 * guard of a give-back compares.
 */
export type Instant = number;

const MICROS_PER_MS = 1000;

export function addMs(instant: Instant, ms: number): Instant {
  return instant + ms * MICROS_PER_MS;
}

/** Milliseconds from one instant to another; negative when the second lies before the first. */
export function msBetween(from: Instant, to: Instant): number {
  return (to - from) / MICROS_PER_MS;
}
