import { Fault } from "../../../domain/fault.ts";
import type { Instant } from "../../../domain/instant.ts";
import type { StoredRecord } from "../../../domain/record.ts";
import type { OperatorAnswer } from "../../../store/operator-store.ts";
import type { DerivedState } from "../../derive.ts";
import { faultOf } from "../../faults.ts";
import { viewOf } from "./view.ts";

/** What an operator does to one record. */
export type RecordAction = "release" | "resolve" | "reset";

/** What allows it, and what to do instead in each other state; null where it is allowed. */
const RULES = {
  release: {
    only: "only IN_PROGRESS records can be released",
    instead: {
      "in-progress": null,
      available: "nobody holds it, and it can be claimed",
      completed: "it has ended, and ResetRecord lets it be done again",
      failed: "it has ended, and ResetRecord lets it be done again",
      expired: "it has ended, and ResetRecord lets it be done again",
      "outcome-unknown": "nobody holds it; say with ResolveOutcome what became of the work",
    },
  },
  resolve: {
    only: "only records that are OUTCOME_UNKNOWN can be resolved",
    instead: {
      "in-progress": "somebody holds it, and ForceRelease takes the lease away",
      available: "nothing of it is in doubt, and it can be claimed",
      completed: "it has ended, and ResetRecord lets it be done again",
      failed: "it has ended, and ResetRecord lets it be done again",
      expired: "it has ended, and ResetRecord lets it be done again",
      "outcome-unknown": null,
    },
  },
  // In whatever state it is, a record can be reset.
  reset: {
    only: "it cannot be reset",
    instead: {
      "in-progress": null,
      available: null,
      completed: null,
      failed: null,
      expired: null,
      "outcome-unknown": null,
    },
  },
} as const satisfies Record<
  RecordAction,
  { readonly only: string; readonly instead: Readonly<Record<DerivedState, string | null>> }
>;

const HELD = {
  release: "somebody holds the record",
  resolve: "a reconciler is looking into the record; wait for its verdict, or resolve it with force",
  reset: "somebody holds the record; wait for the end of the lease, or reset it with force",
} as const satisfies Record<RecordAction, string>;

export type Refused = Extract<OperatorAnswer, { readonly kind: "refused" }>;

/** Why an action was refused, and what would work. */
export function refusalOf(action: RecordAction, { why, record, now }: Refused): Fault {
  switch (why) {
    case "absent":
      return faultOf("RECORD_NOT_FOUND");
    case "changed":
      return faultOf("RECORD_CHANGED");
    case "held":
      return new Fault("INVALID_STATE", HELD[action]);
    case "state":
      return stateRefusal(action, record, now);
  }
}

function stateRefusal(action: RecordAction, record: StoredRecord | null, now: Instant): Fault {
  if (record === null) throw new Error("bug: the state of no record was refused");
  const { state } = viewOf(record, now);
  const { only, instead } = RULES[action];
  const next = instead[state];
  if (next === null) throw new Error(`bug: a state that allows a ${action} was refused: ${state}`);
  return new Fault("INVALID_STATE", `the record is ${nameOf(state)}, and ${only}: ${next}`);
}

/** As the wire spells it. */
function nameOf(state: DerivedState): string {
  return state.toUpperCase().replace("-", "_");
}
