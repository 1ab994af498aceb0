import type { Clock } from "../../clock.ts";
import { addMs, type Instant } from "../../domain/instant.ts";
import type { Connection } from "./connection.ts";
import { formatInstant } from "./instant.ts";
import { loadStatement } from "./statement.ts";

/**
 * The database's clock as this process last saw it, carried on by the monotonic clock; never by the wall clock, which
 * says nothing about the database's.
 */
export interface ServerTime {
  /** An answer said that it was `now`. */
  observed(now: Instant): void;
  /** What a claim sent now says in `not_after`. Asks the database while no answer has been seen. */
  notAfter(connection: Connection): Promise<string>;
  /** What every statement says in `as_of`: null in production. */
  asOf(): string | null;
}

export interface ServerTimeDeps {
  readonly clock: Clock;
  /** In tests the instant that stands for the database's clock. */
  readonly asOf: () => Instant | null;
}

const serverTime = loadStatement("server-time");

/**
 * How late a claim may still acquire. A statement whose caller has given up can be held up, and would take a lease that
 * nobody knows of; beyond the statement timeout of 3 s it must not. The rest is for a clock that is corrected.
 */
const LATE_MS = 5_000;

export function createServerTime({ clock, asOf }: ServerTimeDeps): ServerTime {
  // The latest answer, not the greatest instant: after a failover to a slower clock the guard would be open for long.
  let seen: { readonly now: Instant; readonly atMs: number } | null = null;

  const observed = (now: Instant) => {
    seen = { now, atMs: clock.monotonicMs() };
  };
  const formatted = () => {
    const instant = asOf();
    return instant === null ? null : formatInstant(instant);
  };

  return {
    observed,
    asOf: formatted,
    async notAfter(connection) {
      const fixed = asOf();
      if (fixed !== null) return formatInstant(addMs(fixed, LATE_MS));
      if (seen === null) {
        const [row] = await connection.query<{ now: Instant }>(serverTime, [null]);
        if (row === undefined) throw new Error("bug: no row from server-time");
        observed(row.now);
      }
      if (seen === null) throw new Error("bug: no server time");
      // Whole microseconds: the monotonic clock has fractions.
      return formatInstant(Math.trunc(addMs(seen.now, clock.monotonicMs() - seen.atMs + LATE_MS)));
    },
  };
}
