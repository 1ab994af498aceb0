import type { Clock } from "../clock.ts";
import type { Log } from "./log.ts";

const WARNING_MS = 1_000;

export interface WarningDeps {
  readonly clock: Clock;
  readonly log: Pick<Log, "warn">;
}

/** What is wrong with everything at once is logged once a second, with how many times it was since the last line. */
export function createWarning({ clock, log }: WarningDeps, message: string): (fields: object) => void {
  let warnedAtMs = Number.NEGATIVE_INFINITY;
  let times = 0;
  return (fields) => {
    times++;
    const nowMs = clock.monotonicMs();
    if (nowMs - warnedAtMs < WARNING_MS) return;
    log.warn({ ...fields, times }, message);
    warnedAtMs = nowMs;
    times = 0;
  };
}
