import type { Clock } from "../../clock.ts";
import { backOffMs } from "../../store/postgres/back-off.ts";
import { isAbsence } from "../../store/postgres/errors.ts";
import type { Log } from "../../telemetry/log.ts";
import { OperatorError } from "../operator-error.ts";
import { Overdue } from "./time-limit.ts";

export interface UntilThereDeps {
  /** For people; without password. */
  readonly database: string;
  readonly waitMs: number;
  readonly clock: Clock;
  /** From 0 to 1, for jitter. */
  readonly random: () => number;
  readonly log: Pick<Log, "info" | "warn">;
  readonly signal: AbortSignal;
}

/** Soon enough for whoever waits for us, and no load for a database that is just starting. */
const RETRY_MS_MAX = 2_000;
/** The same news is told again after this time. */
const TOLD_EVERY_MS = 10_000;

/**
 * Opens what stands on a database, again and again while that is not there, for as long as `waitMs`. Rejects at once with
 * everything else that keeps it from being opened: a wrong password or a schema that is not up to date wait for somebody,
 * not for time.
 */
export async function untilThere<T>(open: () => Promise<T>, deps: UntilThereDeps): Promise<T> {
  const { clock, random, log, signal, database, waitMs } = deps;
  const beganAtMs = clock.monotonicMs();
  let toldAtMs = Number.NEGATIVE_INFINITY;
  let told = "";
  for (let failures = 1; ; failures++) {
    try {
      const opened = await open();
      if (told !== "")
        log.info({ database, waitedMs: Math.round(clock.monotonicMs() - beganAtMs) }, "the database is there");
      return opened;
    } catch (error) {
      if (signal.aborted || !(isAbsence(error) || error instanceof Overdue)) throw error;
      const nowMs = clock.monotonicMs();
      const leftMs = beganAtMs + waitMs - nowMs;
      const reason = reasonOf(error);
      if (leftMs <= 0) throw givenUp(error, reason, deps);
      if (reason !== told || nowMs - toldAtMs >= TOLD_EVERY_MS) {
        log.warn({ database, reason, givesUpInMs: Math.round(leftMs) }, "waiting for the database");
        told = reason;
        toldAtMs = nowMs;
      }
      await clock.sleep(Math.min(leftMs, backOffMs(failures, random, RETRY_MS_MAX)), signal);
    }
  }
}

function givenUp(cause: unknown, reason: string, { database, waitMs }: UntilThereDeps): Error {
  const what = cause instanceof OperatorError ? reason : `the database ${database} cannot be used: ${reason}`;
  const waited = waitMs === 0 ? "" : `; it was waited for ${Math.round(waitMs / 1000)} s (--database-wait)`;
  return new OperatorError(`${what}${waited}`, { cause });
}

/** A fault says what callers may know; what it is due to is its cause. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause === undefined || error instanceof OperatorError ? error.message : reasonOf(error.cause);
}
