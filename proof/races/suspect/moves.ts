import type { EndKind } from "../../../src/domain/calls.ts";
import type { RecordKey } from "../../../src/domain/key.ts";
import type { Proof, StoredRecord } from "../../../src/domain/record.ts";
import type { Store } from "../../../src/store/store.ts";
import {
  claimIdOf,
  claimOf,
  finishOf,
  freshToken,
  heartbeatOf,
  NO_FINGERPRINT,
} from "../../../test/support/records.ts";
import { decide, type Move, play } from "../duel/steps.ts";

const ENDS: readonly EndKind[] = ["complete", "terminal", "not-started", "retryable", "outcome-unknown"];

/** What a holder may do; the same are a reconciler's verdicts. */
export const CALLS = [...ENDS, "heartbeat"] as const;
export type Call = (typeof CALLS)[number];

/** How the outcome came to be unknown. */
export const UNKNOWN_BY = ["lapse", "report"] as const;
export type UnknownBy = (typeof UNKNOWN_BY)[number];

export function moveOf(kind: Call, key: RecordKey, proof: Proof): Move {
  if (kind === "heartbeat") return { kind, call: heartbeatOf({ key, proof }) };
  return { kind: "finish", call: finishOf({ key, proof, kind }) };
}

export function reconcile(key: RecordKey): Move {
  const claimId = claimIdOf("reconciler");
  const call = claimOf({ key, claimId, intent: "reconcile", fingerprint: NO_FINGERPRINT, token: freshToken() });
  return { kind: "claim", call };
}

/** The record once its outcome is unknown; its lease is over, and it is to be held then. */
export async function unknown(store: Store, held: StoredRecord, by: UnknownBy): Promise<StoredRecord> {
  if (by === "lapse") return held;
  const step = await play(store, moveOf("outcome-unknown", held.key, held.lease));
  const { next } = decide(held, step, step.answer.now);
  if (next?.state !== "outcome-unknown") throw new Error(`bug: the report left the record ${next?.state}`);
  return next;
}
