import { addMs, type Instant } from "../instant.ts";
import {
  emptied,
  isExpired,
  isForgotten,
  isOutcomeUnknown,
  isReconciling,
  isSeenAs,
  type SeenState,
  type StoredRecord,
} from "../record.ts";
import { nextFence } from "./claim.ts";

/**
 * Why an operator's change is refused.
 *
 * - `absent`: there is no record, or it is forgotten
 * - `changed`: its fence is not the one that the call names, or its state
 * - `state`: its state does not allow it
 * - `held`: somebody holds it, and the call does not force
 */
export type OperatorRefusal = "absent" | "changed" | "state" | "held";

export interface OperatorDecision {
  /** Null: the change is made. */
  readonly refusal: OperatorRefusal | null;
  /** The record to store; null when refused. */
  readonly next: StoredRecord | null;
}

/** What the reducer reads of a call. */
export interface OperatorGuard {
  /** That of the record as the operator read it. */
  readonly fence: bigint;
  readonly force: boolean;
}

/** What an operator says became of the work: an encoded result, an encoded error or none, or that it was not done. */
export type Verdict =
  | { readonly kind: "completed"; readonly outcome: Uint8Array }
  | { readonly kind: "failed"; readonly outcome: Uint8Array | null }
  | { readonly kind: "not-done" };

/**
 * ForceRelease: takes the lease away, so the fence rises. Claimable at once under REACQUIRE; under HOLD, and for a
 * reconciler's lease whatever the policy, the outcome is unknown and the suspect's end still counts. Where a lapse has
 * made it unknown already there is nothing to take away; a lapsed lease under REACQUIRE can still be revived.
 *
 * @param token 16 fresh random bytes, given to nobody
 */
export function decideRelease(
  stored: StoredRecord | null,
  { fence }: Pick<OperatorGuard, "fence">,
  token: Uint8Array,
  now: Instant,
): OperatorDecision {
  if (stored === null || isForgotten(stored, now)) return refuse("absent");
  if (stored.lease.fence !== fence) return refuse("changed");
  if (stored.state !== "in-progress" || isOutcomeUnknown(stored, now)) return refuse("state");
  const unknown = stored.policy.hold || isReconciling(stored);
  return store({
    ...stored,
    state: unknown ? "outcome-unknown" : "available",
    due: now,
    lease: { token, fence: nextFence(stored.lease.fence, now, 0n) },
    suspect: unknown ? (stored.suspect ?? stored.lease) : null,
    reason: unknown ? (stored.reason ?? "lease-expired") : null,
    endDigest: null,
  });
}

/**
 * ResolveOutcome: says what an unknown outcome was, stored or by lapse. The suspect's token is dead, and so is a
 * reconciler's; no call ended the attempt, so none is recognised as a repeat.
 *
 * @param token 16 fresh random bytes, given to nobody
 */
export function decideResolve(
  stored: StoredRecord | null,
  { fence, force, verdict }: OperatorGuard & { readonly verdict: Verdict },
  token: Uint8Array,
  now: Instant,
): OperatorDecision {
  if (stored === null || isForgotten(stored, now)) return refuse("absent");
  if (stored.lease.fence !== fence) return refuse("changed");
  if (!isOutcomeUnknown(stored, now)) {
    if (!isReconciling(stored)) return refuse("state");
    if (!force) return refuse("held");
  }
  const ended = verdict.kind !== "not-done";
  const due = ended ? addMs(now, stored.policy.resultRetentionMs) : now;
  return store({
    ...stored,
    state: ended ? verdict.kind : "available",
    due,
    forgetAt: ended ? addMs(due, stored.policy.tombstoneRetentionMs) : Number.POSITIVE_INFINITY,
    attempt: ended ? stored.attempt : stored.attempt - 1,
    lease: { token, fence: nextFence(stored.lease.fence, now, 0n) },
    suspect: null,
    endTime: ended ? now : null,
    reason: verdict.kind === "failed" ? "resolved" : null,
    endDigest: null,
    outcome: ended ? verdict.outcome : null,
  });
}

/**
 * ResetRecord: the next claim is a first claim, but the fence goes on. Forced also while a lease is live. Who worked on it
 * last is kept, unless the record has expired. An end raises no fence: only the state tells that one has come since.
 *
 * @param token 16 fresh random bytes, given to nobody
 */
export function decideReset(
  stored: StoredRecord | null,
  { fence, force, state = null }: OperatorGuard & { readonly state?: SeenState | null },
  token: Uint8Array,
  now: Instant,
): OperatorDecision {
  if (stored === null || isForgotten(stored, now)) return refuse("absent");
  if (stored.lease.fence !== fence) return refuse("changed");
  if (state !== null && !isSeenAs(stored, state, now)) return refuse("changed");
  if (!force && isHeld(stored, now)) return refuse("held");
  return store({
    ...(isExpired(stored, now) ? emptied(stored) : stored),
    state: "available",
    due: now,
    forgetAt: Number.POSITIVE_INFINITY,
    attempt: 0,
    lease: { token, fence: nextFence(stored.lease.fence, now, 0n) },
    suspect: null,
    fingerprint: null,
    endTime: null,
    reason: null,
    endDigest: null,
    outcome: null,
    checkpoint: null,
    checkpointSequence: 0n,
    checkpointTime: null,
    externalRef: null,
    progress: null,
  });
}

/** Somebody's lease is live. */
export function isHeld(record: StoredRecord, now: Instant): boolean {
  return record.state === "in-progress" && record.due > now;
}

function store(next: StoredRecord): OperatorDecision {
  return { refusal: null, next };
}

function refuse(refusal: OperatorRefusal): OperatorDecision {
  return { refusal, next: null };
}
