import type { StuckReason } from "../domain/stuck.ts";
import type { OpenRecords } from "../store/operator-store.ts";
import { type GaugeSpec, PLACEMENT } from "./metric-spec.ts";
import type { Metrics } from "./metrics.ts";

const REASONS = ["outcome-unknown", "lease-expired", "overdue"] as const satisfies readonly StuckReason[];

export const OPEN_RECORDS = {
  kind: "gauge",
  name: "holdfast_open_records",
  unit: "records",
  help: "Records that have not ended, as the last finished round over them has counted; absent before the first.",
  advice: "Every server counts the same records: take the maximum over servers, never the sum.",
  labels: { placement: PLACEMENT },
  together: "max",
} as const satisfies GaugeSpec;

export const STUCK_RECORDS = {
  kind: "gauge",
  name: "holdfast_stuck_records",
  unit: "records",
  help: "Those that do not go on by themselves, by why; counted as the open ones.",
  advice:
    "outcome-unknown: held until somebody resolves them. lease-expired and overdue: nobody has claimed them for a minute. `holdfast keys list --stuck` names them, `keys why` explains one.",
  labels: { placement: PLACEMENT, reason: REASONS },
  together: "max",
} as const satisfies GaugeSpec;

export const STUCK_SECONDS = {
  kind: "gauge",
  name: "holdfast_stuck_seconds_max",
  unit: "seconds",
  help: "How long the one that is stuck for longest had stood still when it was counted, by why: since its lease or delay was over; 0 without any.",
  advice: "Younger than the last deployment or outage: look there first.",
  labels: { placement: PLACEMENT, reason: REASONS },
  together: "max",
} as const satisfies GaugeSpec;

export const COUNT_AGE = {
  kind: "gauge",
  name: "holdfast_open_records_age_seconds",
  unit: "seconds",
  help: "How old these counts are; absent before the first.",
  advice:
    "A round takes a few passes of the sweeper, more with millions of open records. Growing, or absent for long: the sweeper is down.",
  labels: { placement: PLACEMENT },
  together: "min",
} as const satisfies GaugeSpec;

/** The newest count of a placement's open records, and how old it is. */
export interface RecordCount {
  readonly records: OpenRecords;
  readonly ageMs: number;
}

/** Once for each placement. `count` is null while no round has been finished. */
export function addRecordGauges(metrics: Metrics, placement: string, count: () => RecordCount | null): void {
  const from = (read: (newest: RecordCount) => number) => () => {
    const newest = count();
    return newest === null ? null : read(newest);
  };
  metrics.gauge(
    OPEN_RECORDS,
    from(({ records }) => records.open),
    { placement },
  );
  metrics.gauge(
    COUNT_AGE,
    from(({ ageMs }) => ageMs / 1000),
    { placement },
  );
  for (const reason of REASONS) {
    metrics.gauge(
      STUCK_RECORDS,
      from(({ records }) => records.stuck[reason]),
      { placement, reason },
    );
    metrics.gauge(
      STUCK_SECONDS,
      from(({ records }) => records.stuckMsMax[reason] / 1000),
      { placement, reason },
    );
  }
}
