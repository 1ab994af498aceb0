import type { Clock } from "../../clock.ts";
import type { StoreObserver } from "../../store/observer.ts";
import type { OpenRecords } from "../../store/operator-store.ts";
import type { Swept } from "../../store/store.ts";
import type { RecordCount } from "../../telemetry/record-metrics.ts";

/** How the sweeper of a placement gets on. */
export interface SweepStatus {
  /** Since its last finished pass; before the first, since the placement was there. */
  readonly ageMs: number;
  /** Since the last one that left nothing to do. */
  readonly lagMs: number;
  /** What its last finished round over the open records has counted. */
  readonly count: RecordCount | null;
}

export interface SweepWatch {
  readonly observer: StoreObserver;
  status(): SweepStatus;
}

/** An observer that tells another one everything, and remembers. A pass that dealt with `limit` records may have left some. */
export function watchSweeps(clock: Clock, told: StoreObserver, limit: number): SweepWatch {
  let lastMs = clock.monotonicMs();
  let emptyMs = lastMs;
  let round: { readonly records: OpenRecords; readonly atMs: number } | null = null;
  return {
    observer: {
      ...told,
      swept(swept, ms) {
        lastMs = clock.monotonicMs();
        if (!isFull(swept, limit)) emptyMs = lastMs;
        if (swept.round !== null) round = { records: swept.round, atMs: lastMs };
        told.swept(swept, ms);
      },
    },
    status() {
      const nowMs = clock.monotonicMs();
      const count = round === null ? null : { records: round.records, ageMs: nowMs - round.atMs };
      return { ageMs: nowMs - lastMs, lagMs: nowMs - emptyMs, count };
    },
  };
}

function isFull({ forgotten, abandoned, emptied, settled }: Swept, limit: number): boolean {
  return Math.max(forgotten, abandoned, emptied, settled) >= limit;
}
