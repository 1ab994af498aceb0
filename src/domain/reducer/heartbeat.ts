import type { HeartbeatAnswer, HeartbeatCall } from "../calls.ts";
import type { FaultCode } from "../fault.ts";
import type { Instant } from "../instant.ts";
import { hasEnded, isForgotten, type Proof, type StoredRecord, sameBytes } from "../record.ts";
import { leaseEnd } from "./claim.ts";

export interface HeartbeatDecision {
  readonly answer: HeartbeatAnswer;
  readonly next: StoredRecord | null;
}

/** Extends a live or lapsed lease; never shortens it and never passes the longest execution. */
export function decideHeartbeat(stored: StoredRecord | null, call: HeartbeatCall, now: Instant): HeartbeatDecision {
  if (stored === null || isForgotten(stored, now)) return fault("RECORD_NOT_FOUND", now);
  const refusal = refuseProof(stored, call.proof);
  if (refusal !== null) return fault(refusal, now);
  if (stored.state !== "in-progress") return fault(endedBySuspect(stored) ? "LEASE_SUPERSEDED" : "INVALID_STATE", now);

  const due = Math.max(stored.due, leaseEnd(now, call.leaseMs, stored.attemptStartTime, stored.policy));
  const next: StoredRecord = {
    ...stored,
    due,
    ...newestCheckpoint(stored, call, now),
    progress: call.progress ?? stored.progress,
    externalRef: call.externalRef ?? stored.externalRef,
  };
  return { answer: { kind: "extended", due, hasWaiters: stored.hasWaiters, now }, next };
}

/** Why a proof that is not the record's is refused; null when it is. The time is never looked at. */
export function refuseProof(stored: StoredRecord, proof: Proof): FaultCode | null {
  if (proof.fence < stored.lease.fence) return "LEASE_SUPERSEDED";
  if (proof.fence > stored.lease.fence || !sameBytes(proof.token, stored.lease.token)) return "LEASE_TOKEN_INVALID";
  return null;
}

/** The record's own token is then a reconciler's, which the suspect overtook. */
export function endedBySuspect(stored: StoredRecord): boolean {
  return hasEnded(stored) && stored.suspect !== null;
}

/** A checkpoint with a lower or equal sequence never replaces the stored one. */
export function newestCheckpoint(
  stored: StoredRecord,
  call: Pick<HeartbeatCall, "checkpoint">,
  now: Instant,
): Pick<StoredRecord, "checkpoint" | "checkpointSequence" | "checkpointTime"> {
  const { checkpoint } = call;
  return checkpoint !== null && checkpoint.sequence > stored.checkpointSequence
    ? { checkpoint: checkpoint.encoded, checkpointSequence: checkpoint.sequence, checkpointTime: now }
    : {
        checkpoint: stored.checkpoint,
        checkpointSequence: stored.checkpointSequence,
        checkpointTime: stored.checkpointTime,
      };
}

function fault(code: FaultCode, now: Instant): HeartbeatDecision {
  return { answer: { kind: "fault", code, now }, next: null };
}
