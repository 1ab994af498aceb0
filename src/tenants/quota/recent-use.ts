import type { Usage } from "../../store/usage.ts";

/** Steps are this wide at least: what lies on the edge of a measurement is counted twice rather than not at all. */
const STEP_MS = 1_000;

/** What this server has added and ended, by when, so that what a measurement has seen can be left out. */
export interface RecentUse {
  readonly total: Usage;
  add(change: Usage, nowMs: number): void;
  /** Everything up to this instant has been measured. */
  forget(untilMs: number): void;
}

export function createRecentUse(): RecentUse {
  let steps: { readonly fromMs: number; readonly use: Counts; untilMs: number }[] = [];
  const total = nothing();
  return {
    total,
    add(change, nowMs) {
      let step = steps.at(-1);
      if (step === undefined || nowMs - step.fromMs >= STEP_MS) {
        step = { fromMs: nowMs, use: nothing(), untilMs: nowMs };
        steps.push(step);
      }
      step.untilMs = nowMs;
      count(step.use, change, 1);
      count(total, change, 1);
    },
    forget(untilMs) {
      for (const step of steps) if (step.untilMs < untilMs) count(total, step.use, -1);
      steps = steps.filter((step) => step.untilMs >= untilMs);
    },
  };
}

interface Counts extends Usage {
  liveRecords: number;
  storedBytes: number;
  leases: number;
}

function nothing(): Counts {
  return { liveRecords: 0, storedBytes: 0, leases: 0 };
}

function count(counts: Counts, change: Usage, sign: 1 | -1): void {
  counts.liveRecords += sign * change.liveRecords;
  counts.storedBytes += sign * change.storedBytes;
  counts.leases += sign * change.leases;
}
