import { historyOf } from "./history.ts";
import { nextOf } from "./next.ts";
import { type Invocation, type Remedy, remediesFor } from "./remedies.ts";
import { standingOf } from "./standing.ts";
import type { RecordView, State } from "./view.ts";

/** Why a record is as it is, in sentences for whoever has been woken up by it. */
export interface Explanation {
  /** How it is, to go behind its name. */
  readonly headline: string;
  /** Since when, who has it, what is known of the work. */
  readonly standing: readonly string[];
  /** What happened, a dated line each, oldest first. */
  readonly history: readonly string[];
  /** What will happen if nobody does anything. */
  readonly next: readonly string[];
  /** What an operator can do. */
  readonly remedies: readonly Remedy[];
}

export function explainRecord(record: RecordView, invocation: Invocation): Explanation {
  return {
    headline: headlineOf(record),
    standing: standingOf(record),
    history: historyOf(record),
    next: nextOf(record),
    remedies: remediesFor(record, invocation),
  };
}

const HEADLINES = {
  "in-progress": "is being worked on",
  available: "waits for its next claim",
  completed: "is done",
  failed: "has failed for good",
  "outcome-unknown": "may be done or not: nobody knows",
  expired: "has ended, and its result is no longer kept",
} as const satisfies Record<State, string>;

const STUCK_HEADLINES = {
  "outcome-unknown": "is stuck: nobody knows whether it was done, and nobody is finding out",
  "lease-expired": "is stuck: its holder is gone, and nobody has taken over",
  overdue: "is stuck: it could be claimed, and nobody claims it",
} as const satisfies Record<Exclude<RecordView["stuck"], "">, string>;

function headlineOf(record: RecordView): string {
  const { state, stuck, reconciling, leaseExpireMs, nowMs } = record;
  if (stuck !== "") return STUCK_HEADLINES[stuck];
  if (state !== "in-progress") return HEADLINES[state];
  if (reconciling) return "may be done or not: somebody is finding out";
  return leaseExpireMs !== null && leaseExpireMs <= nowMs ? "has lost its holder" : HEADLINES[state];
}
