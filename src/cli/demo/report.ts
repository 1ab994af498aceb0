import type { RecordableHistogram } from "node:perf_hooks";
import type { Audit } from "./audit.ts";

/** What is counted on the way; nothing here decides whether the run was a success. */
export interface Tally {
  /** Deliveries that were answered with a stored result. */
  replays: number;
  /** Claims that were acquired after an earlier attempt. */
  takeovers: number;
  /** Claims that were acquired by waiting for them: the holder died, or gave up, under their eyes. */
  promotions: number;
  /** Unknown outcomes that the reconciler settled. */
  reconciled: number;
  /** Deliveries that were refused because their id came with another payload before. */
  mismatches: number;
  workersKilled: number;
  serversKilled: number;
}

export function createTally(): Tally {
  return { replays: 0, takeovers: 0, promotions: 0, reconciled: 0, mismatches: 0, workersKilled: 0, serversKilled: 0 };
}

/** What a glance at the running demo shows. */
export interface Moment {
  readonly acknowledged: number;
  readonly deliveries: number;
  readonly charged: number;
  /** Unknown outcomes that the reconciler looks into now. */
  readonly reconciling: number;
  readonly tally: Tally;
}

/** The last line of `--json`: these members, and no others. */
export interface Report extends Tally {
  /** Different ids in the log. */
  readonly events: number;
  /** Lines in the log. */
  readonly deliveries: number;
  readonly executions: number;
  readonly duplicates: number;
  readonly lost: number;
  /** How long a Claim call took that did not wait for anybody; null if there was none, here and below. */
  readonly claimP50Ms: number | null;
  readonly claimP99Ms: number | null;
  /** From the end of a record, by the database's clock, until a worker that waited for it had the result. */
  readonly wakeP50Ms: number | null;
  readonly wakeP99Ms: number | null;
  /** From the start of the workers to the last acknowledgement. */
  readonly seconds: number;
}

export interface Findings {
  readonly events: number;
  readonly deliveries: number;
  readonly audit: Audit;
  readonly tally: Tally;
  /** In microseconds. */
  readonly claims: RecordableHistogram;
  /** In microseconds. */
  readonly wakes: RecordableHistogram;
  readonly ms: number;
}

/** How many keys a failed run names; the rest is counted. */
const KEYS_SHOWN = 20;

const MICROS_PER_MS = 1_000;

export function makeReport({ events, deliveries, audit, tally, claims, wakes, ms }: Findings): Report {
  return {
    events,
    deliveries,
    executions: audit.executions,
    duplicates: audit.duplicates.length,
    lost: audit.lost.length,
    replays: tally.replays,
    takeovers: tally.takeovers,
    promotions: tally.promotions,
    reconciled: tally.reconciled,
    mismatches: tally.mismatches,
    workersKilled: tally.workersKilled,
    serversKilled: tally.serversKilled,
    claimP50Ms: percentileMs(claims, 50),
    claimP99Ms: percentileMs(claims, 99),
    wakeP50Ms: percentileMs(wakes, 50),
    wakeP99Ms: percentileMs(wakes, 99),
    seconds: toHundredths(ms / 1_000),
  };
}

export function formatTable(report: Report): string {
  const rows: readonly (readonly [string, number | string, string])[] = [
    ["events", report.events, "different ids in the log"],
    ["deliveries", report.deliveries, "lines in the log, each acknowledged"],
    ["executions", report.executions, "charges in the ledger"],
    ["duplicates", report.duplicates, "events charged more than once"],
    ["lost", report.lost, "events not charged, or without a stored result"],
    ["replays", report.replays, "deliveries answered with a stored result"],
    ["takeovers", report.takeovers, "attempts after an earlier one"],
    ["promotions", report.promotions, "claims that got the lease by waiting for it"],
    ["reconciled", report.reconciled, "unknown outcomes looked up in the ledger"],
    ["mismatches", report.mismatches, "altered payloads refused"],
    ["workers killed", report.workersKilled, "SIGKILL, and started again"],
    ["servers killed", report.serversKilled, "SIGKILL, and started again"],
    ["claim p50", inMs(report.claimP50Ms), "of claims that waited for nobody"],
    ["claim p99", inMs(report.claimP99Ms), ""],
    ["wake p50", inMs(report.wakeP50Ms), "from a record's end to its result in a worker that waited"],
    ["wake p99", inMs(report.wakeP99Ms), ""],
    ["time", `${report.seconds} s`, "from the start of the workers to the last acknowledgement"],
  ];
  return rows
    .map(([name, value, what]) => `${name.padEnd(16)}${String(value).padStart(9)}  ${what}`.trimEnd())
    .join("\n");
}

/** One line when every event was done once, else the events for which that does not hold. */
export function formatVerdict(clean: boolean, audit: Audit): string {
  if (clean) return "Every event was charged once.";
  return [
    "NOT every event was charged once.",
    ...list("charged more than once", audit.duplicates),
    ...list("lost", audit.lost),
  ].join("\n");
}

function list(what: string, keys: readonly string[]): readonly string[] {
  if (keys.length === 0) return [];
  const more = keys.length - KEYS_SHOWN;
  const shown = keys.slice(0, KEYS_SHOWN).map((key) => `  ${JSON.stringify(key)}`);
  return [`${what}: ${keys.length}`, ...shown, ...(more > 0 ? [`  and ${more} more`] : [])];
}

function percentileMs(micros: RecordableHistogram, percent: number): number | null {
  return micros.count === 0 ? null : toHundredths(micros.percentile(percent) / MICROS_PER_MS);
}

function inMs(ms: number | null): string {
  return ms === null ? "–" : `${ms} ms`;
}

function toHundredths(value: number): number {
  return Math.round(value * 100) / 100;
}
