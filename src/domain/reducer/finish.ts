import type { EndKind, FinishAnswer, FinishCall } from "../calls.ts";
import type { FaultCode } from "../fault.ts";
import { addMs, type Instant } from "../instant.ts";
import {
  attemptsUsedUp,
  hasEnded,
  isForgotten,
  type Reason,
  type StoredRecord,
  type StoredState,
  sameBytes,
  sameProof,
} from "../record.ts";
import { endedBySuspect, newestCheckpoint, refuseProof } from "./heartbeat.ts";

export interface FinishDecision {
  readonly answer: FinishAnswer;
  readonly next: StoredRecord | null;
}

type AfterFinish = Exclude<StoredState, "in-progress">;

const STATE_AFTER = {
  complete: "completed",
  retryable: "available",
  terminal: "failed",
  "outcome-unknown": "outcome-unknown",
  "not-started": "available",
} as const satisfies Record<EndKind, AfterFinish>;

/** Complete and every kind of fail. Compares token, fence and state, never the time: late ends are accepted. */
export function decideFinish(stored: StoredRecord | null, call: FinishCall, now: Instant): FinishDecision {
  if (stored === null || isForgotten(stored, now)) return fault("RECORD_NOT_FOUND", now);
  if (stored.suspect !== null && sameProof(stored.suspect, call.proof) && endsRecord(call.kind)) {
    return hasEnded(stored) ? repeat(stored, call, now, "RESULT_CONFLICT") : accept(stored, call, now, true);
  }
  const refusal = refuseProof(stored, call.proof);
  if (refusal !== null) return fault(refusal, now);
  if (hasEnded(stored)) {
    return repeat(stored, call, now, endedBySuspect(stored) ? "LEASE_SUPERSEDED" : "RESULT_CONFLICT");
  }
  if (stored.state === "available") return repeat(stored, call, now, "INVALID_STATE");
  if (call.onlyIfDue !== null && (stored.state !== "in-progress" || stored.due !== call.onlyIfDue)) {
    return fault("INVALID_STATE", now);
  }
  const becomesAvailable = STATE_AFTER[call.kind] === "available";
  if (becomesAvailable && call.delayMs > stored.policy.resultRetentionMs) return fault("DURATION_OUT_OF_RANGE", now);
  return accept(stored, call, now, false);
}

function accept(stored: StoredRecord, call: FinishCall, now: Instant, bySuspect: boolean): FinishDecision {
  const usedUp = call.kind === "retryable" && attemptsUsedUp(stored);
  const state = usedUp ? "failed" : STATE_AFTER[call.kind];
  const ended = state === "completed" || state === "failed";
  const due = dueAfter(state, stored, call, now);
  const next: StoredRecord = {
    ...stored,
    state,
    due,
    forgetAt: ended ? addMs(due, stored.policy.tombstoneRetentionMs) : Number.POSITIVE_INFINITY,
    attempt: call.kind === "not-started" ? stored.attempt - 1 : stored.attempt,
    suspect: state === "outcome-unknown" || bySuspect ? stored.suspect : null,
    endTime: ended ? now : null,
    reason: usedUp ? "max-attempts" : reasonAfter(state),
    endDigest: call.digest,
    outcome: call.outcome,
    ...newestCheckpoint(stored, call, now),
  };
  const late = stored.state === "outcome-unknown" || stored.due <= now || bySuspect;
  return {
    answer: { kind: "ended", state, due, alreadyApplied: false, late, hasWaiters: stored.hasWaiters, now },
    next,
  };
}

/** The attempt has ended before: the same call is told so, any other is refused. */
function repeat(stored: StoredRecord, call: FinishCall, now: Instant, otherwise: FaultCode): FinishDecision {
  if (stored.endDigest === null || !sameBytes(stored.endDigest, call.digest)) return fault(otherwise, now);
  if (stored.state === "in-progress") throw new Error("bug: an attempt in progress has no end to repeat");
  const { state, due } = stored;
  return {
    answer: { kind: "ended", state, due, alreadyApplied: true, late: false, hasWaiters: stored.hasWaiters, now },
    next: null,
  };
}

function endsRecord(kind: EndKind): boolean {
  return kind === "complete" || kind === "terminal";
}

function dueAfter(state: AfterFinish, stored: StoredRecord, call: FinishCall, now: Instant): Instant {
  switch (state) {
    case "available":
      return addMs(now, call.delayMs);
    case "outcome-unknown":
      return now;
    case "completed":
    case "failed":
      return addMs(now, stored.policy.resultRetentionMs);
  }
}

function reasonAfter(state: AfterFinish): Reason | null {
  return state === "failed" || state === "outcome-unknown" ? "reported" : null;
}

function fault(code: FaultCode, now: Instant): FinishDecision {
  return { answer: { kind: "fault", code, now }, next: null };
}
