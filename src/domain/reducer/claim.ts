import type { AcquireReason, ClaimAnswer, ClaimCall, ObservedKind } from "../calls.ts";
import type { FaultCode } from "../fault.ts";
import { addMs, type Instant } from "../instant.ts";
import {
  attemptsUsedUp,
  hasEnded,
  isExpired,
  isForgotten,
  isOutcomeUnknown,
  isReconciling,
  type Policy,
  type StoredRecord,
  sameBytes,
} from "../record.ts";

export interface ClaimDecision {
  readonly answer: ClaimAnswer;
  /** The record to store; null leaves it as it is. */
  readonly next: StoredRecord | null;
}

/**
 * The order of checks of a claim. The memory store runs it; the Postgres statements are held against it, and the
 * Postgres store words its answers with it.
 *
 * @param stored the record, forgotten or not; null when there is none
 * @param now the database's clock
 * @param fenceFloor the highest fence of any record that was deleted: a record created anew must lie above it
 */
export function decideClaim(
  stored: StoredRecord | null,
  call: ClaimCall,
  now: Instant,
  fenceFloor: bigint,
): ClaimDecision {
  if (stored === null || isForgotten(stored, now)) {
    if (call.intent === "reconcile") return fault("RECORD_NOT_FOUND", now);
    return call.mayAcquire === "anything" ? acquire(stored, call, now, fenceFloor, "new") : refuse(now);
  }
  if (!fingerprintFits(stored, call)) return fault("FINGERPRINT_MISMATCH", now);
  if (stored.claimId === call.claimId) return decideOwn(stored, call, now);
  if (call.reuse === "reject") return fault("RECORD_EXISTS", now);
  return call.intent === "execute" ? decideExecute(stored, call, now, fenceFloor) : decideReconcile(stored, call, now);
}

/** A network retry: the record keeps the claim_id of its newest attempt. */
function decideOwn(stored: StoredRecord, call: ClaimCall, now: Instant): ClaimDecision {
  const sameIntent = isReconciling(stored) === (call.intent === "reconcile");
  switch (stored.state) {
    case "in-progress":
      return sameIntent ? reattach(stored, call, now) : fault("CLAIM_ENDED", now);
    case "outcome-unknown":
      return call.intent === "execute" ? observe("outcome-unknown", stored, call, now) : fault("CLAIM_ENDED", now);
    case "completed":
    case "failed":
      return observe(isExpired(stored, now) ? "expired" : stored.state, stored, call, now);
    case "available":
      return fault("CLAIM_ENDED", now);
  }
}

function decideExecute(stored: StoredRecord, call: ClaimCall, now: Instant, fenceFloor: bigint): ClaimDecision {
  const acquireIfAllowed = (reason: AcquireReason) =>
    call.mayAcquire === "nothing" ? refuse(now) : acquire(stored, call, now, fenceFloor, reason);

  if (isExpired(stored, now)) return observe("expired", stored, call, now);
  if (stored.state === "completed") return observe("completed", stored, call, now);
  if (stored.state === "failed") {
    const again = call.reuse === "retry-failed" && !attemptsUsedUp(stored);
    return again ? acquireIfAllowed("retry") : observe("failed", stored, call, now);
  }
  if (isOutcomeUnknown(stored, now)) return observe("outcome-unknown", stored, call, now);
  if (stored.due > now) {
    return observe(stored.state === "available" ? "retry-scheduled" : "in-progress", stored, call, now);
  }
  if (attemptsUsedUp(stored)) {
    const next = settle(stored, now);
    return { answer: { kind: "failed", record: next, policyDiffers: policyDiffers(stored, call), now }, next };
  }
  if (stored.fingerprint === null) return acquireIfAllowed("new");
  return acquireIfAllowed(stored.state === "available" ? "retry" : "takeover");
}

/** Acquires an unknown outcome and nothing else; settles nothing. */
function decideReconcile(stored: StoredRecord, call: ClaimCall, now: Instant): ClaimDecision {
  if (hasEnded(stored)) return decideOwn(stored, call, now);
  if (isOutcomeUnknown(stored, now)) {
    return call.mayAcquire === "nothing" ? refuse(now) : acquireToReconcile(stored, call, now);
  }
  return stored.state === "available" ? fault("INVALID_STATE", now) : observe("in-progress", stored, call, now);
}

/** An unbound (reset) record fits any fingerprint; a reconciler need not know it. */
function fingerprintFits(stored: StoredRecord, call: ClaimCall): boolean {
  if (stored.fingerprint === null) return true;
  if (call.intent === "reconcile" && call.fingerprint.digest.length === 0) return true;
  return sameBytes(stored.fingerprint.digest, call.fingerprint.digest);
}

/**
 * A forgotten, reset or absent record is claimed for the first time: everything that a first claim fixes is fixed anew,
 * and only the fence goes on.
 */
function acquire(
  stored: StoredRecord | null,
  call: ClaimCall,
  now: Instant,
  fenceFloor: bigint,
  reason: AcquireReason,
): ClaimDecision {
  const kept = stored === null || isForgotten(stored, now) || stored.fingerprint === null ? null : stored;
  const policy = kept?.policy ?? call.policy;
  const next: StoredRecord = {
    key: call.key,
    state: "in-progress",
    due: leaseEnd(now, call.leaseMs, now, policy),
    forgetAt: Number.POSITIVE_INFINITY,
    hasWaiters: stored !== null && !isForgotten(stored, now) && stored.hasWaiters,
    attempt: (kept?.attempt ?? 0) + 1,
    lease: { token: call.token, fence: nextFence(stored?.lease.fence ?? 0n, now, fenceFloor) },
    claimId: call.claimId,
    suspect: null,
    fingerprint: kept?.fingerprint ?? call.fingerprint,
    policy,
    createTime: kept?.createTime ?? now,
    attemptStartTime: now,
    endTime: null,
    reason: null,
    endDigest: null,
    outcome: kept?.outcome ?? null,
    checkpoint: kept?.checkpoint ?? null,
    checkpointSequence: kept?.checkpointSequence ?? 0n,
    checkpointTime: kept?.checkpointTime ?? null,
    evidence: call.evidence,
    externalRef: call.externalRef,
    progress: null,
  };
  return acquired(next, call, now, reason);
}

/** The suspect keeps its right to end the record, and what it left behind stays. Counts no attempt. */
function acquireToReconcile(stored: StoredRecord, call: ClaimCall, now: Instant): ClaimDecision {
  const next: StoredRecord = {
    ...stored,
    state: "in-progress",
    due: addMs(now, call.leaseMs),
    lease: { token: call.token, fence: nextFence(stored.lease.fence, now, 0n) },
    claimId: call.claimId,
    suspect: stored.suspect ?? stored.lease,
    attemptStartTime: now,
    reason: stored.reason ?? "lease-expired",
  };
  return acquired(next, call, now, "reconcile");
}

/** Same token, fence and attempt. The lease's end always moves, so that the guard of a give-back misses. */
function reattach(stored: StoredRecord, call: ClaimCall, now: Instant): ClaimDecision {
  const end =
    call.intent === "reconcile"
      ? addMs(now, call.leaseMs)
      : leaseEnd(now, call.leaseMs, stored.attemptStartTime, stored.policy);
  return acquired({ ...stored, due: Math.max(stored.due + 1, end) }, call, now, "reattached");
}

function acquired(next: StoredRecord, call: ClaimCall, now: Instant, reason: AcquireReason): ClaimDecision {
  return { answer: { kind: "acquired", reason, record: next, policyDiffers: policyDiffers(next, call), now }, next };
}

function observe(kind: ObservedKind, record: StoredRecord, call: ClaimCall, now: Instant): ClaimDecision {
  return { answer: { kind, record, policyDiffers: policyDiffers(record, call), now }, next: null };
}

function refuse(now: Instant): ClaimDecision {
  return { answer: { kind: "refused", now }, next: null };
}

function fault(code: FaultCode, now: Instant): ClaimDecision {
  return { answer: { kind: "fault", code, now }, next: null };
}

/** The lease asked for, cut at the end of the attempt's longest execution. */
export function leaseEnd(now: Instant, leaseMs: number, attemptStartTime: Instant, policy: Policy): Instant {
  const end = addMs(now, leaseMs);
  return policy.maxExecutionMs === null ? end : Math.min(end, addMs(attemptStartTime, policy.maxExecutionMs));
}

/** Rises over takeover, expiry, purge and re-creation, also when the clock steps back. */
export function nextFence(last: bigint, now: Instant, fenceFloor: bigint): bigint {
  const byClock = BigInt(Math.trunc(now));
  const byRecord = last + 1n;
  const byFloor = fenceFloor + 1n;
  const highest = byRecord > byFloor ? byRecord : byFloor;
  return highest > byClock ? highest : byClock;
}

/** The last attempt is used up and its lease over: the record fails for good. */
export function settle(stored: StoredRecord, now: Instant): StoredRecord {
  const due = addMs(now, stored.policy.resultRetentionMs);
  return {
    ...stored,
    state: "failed",
    reason: "max-attempts",
    endTime: now,
    endDigest: null,
    due,
    forgetAt: addMs(due, stored.policy.tombstoneRetentionMs),
  };
}

/** Of an ended or claimed record; a reconciler's claim carries no policy of its own. */
function policyDiffers(record: StoredRecord, call: ClaimCall): boolean {
  if (call.intent === "reconcile") return false;
  const [a, b] = [record.policy, call.policy];
  return (
    a.hold !== b.hold ||
    a.maxAttempts !== b.maxAttempts ||
    a.maxExecutionMs !== b.maxExecutionMs ||
    a.resultRetentionMs !== b.resultRetentionMs ||
    a.tombstoneRetentionMs !== b.tombstoneRetentionMs
  );
}
