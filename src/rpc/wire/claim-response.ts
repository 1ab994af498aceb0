import type { ClaimResponse } from "../../../gen/holdfast/v1/idempotency_pb.ts";
import { type Instant, msBetween } from "../../domain/instant.ts";
import type { StoredRecord } from "../../domain/record.ts";
import type { ClaimOutcome } from "../../operations/claim-outcome.ts";
import { ACQUIRE_REASONS, CLAIM_OUTCOMES, failReason, RECORD_STATES, unknownReason } from "./enums.ts";
import { toLease } from "./lease.ts";
import { retryAfterDueMs, retryAfterLeaseMs } from "./retry-after.ts";
import { decodeCheckpoint, decodeError, decodeEvidence, decodeProgress, decodeResult } from "./stored.ts";
import { toDuration, toTimestamp } from "./time.ts";

type Detail = Extract<ClaimResponse["detail"], { readonly case: string }>;

/**
 * Whole messages, as `create` makes them: it would look at every field of each of them.
 *
 * @param leaseMs what the claim asked for
 * @param random 0 up to but not including 1
 */
export function toClaimResponse(answer: ClaimOutcome, leaseMs: number, random: number): ClaimResponse {
  return {
    $typeName: "holdfast.v1.ClaimResponse",
    outcome: CLAIM_OUTCOMES[answer.kind],
    detail: toDetail(answer, leaseMs, random),
    policyDiffers: answer.policyDiffers,
  };
}

function toDetail(answer: ClaimOutcome, leaseMs: number, random: number): Detail {
  const { record, now } = answer;
  switch (answer.kind) {
    case "acquired":
      return { case: "acquired", value: acquired(answer, leaseMs) };
    case "in-progress":
      return { case: "inProgress", value: inProgress(record, now, random) };
    case "completed":
      return { case: "completed", value: toCompleted(record, true) };
    case "failed":
      return { case: "failed", value: toFailed(record, true) };
    case "retry-scheduled":
      return { case: "retryScheduled", value: retryScheduled(record, now, random) };
    case "outcome-unknown":
      return { case: "outcomeUnknown", value: toOutcomeUnknown(record) };
    case "expired":
      return { case: "expired", value: toExpired(record) };
  }
}

type Value<Case extends Detail["case"]> = Extract<Detail, { readonly case: Case }>["value"];

function acquired(
  { record, reason, now, waitedMs }: Extract<ClaimOutcome, { kind: "acquired" }>,
  leaseMs: number,
): Value<"acquired"> {
  const { key, lease: proof, attempt, due } = record;
  return {
    $typeName: "holdfast.v1.Acquired",
    lease: toLease({ key, proof, attempt, due, now, waitedMs, leaseMs }),
    reason: ACQUIRE_REASONS[reason],
    lastCheckpoint: decodeCheckpoint(record),
    previousError: decodeError(record),
  };
}

function inProgress(record: StoredRecord, now: Instant, random: number): Value<"inProgress"> {
  return {
    $typeName: "holdfast.v1.InProgress",
    owner: decodeEvidence(record).owner,
    attempt: record.attempt,
    attemptStartTime: toTimestamp(record.attemptStartTime),
    leaseExpireTime: toTimestamp(record.due),
    retryAfter: toDuration(retryAfterLeaseMs(msBetween(now, record.due), random)),
    progress: decodeProgress(record),
  };
}

/** Shared with WaitFor, as are the three below that are exported too. */
export function toCompleted(record: StoredRecord, includeResult: boolean): Value<"completed"> {
  return {
    $typeName: "holdfast.v1.Completed",
    result: includeResult ? decodeResult(record) : undefined,
    endTime: toTimestamp(endOf(record)),
    attempt: record.attempt,
    resultExpireTime: toTimestamp(record.due),
  };
}

export function toFailed(record: StoredRecord, includeError: boolean): Value<"failed"> {
  return {
    $typeName: "holdfast.v1.Failed",
    error: includeError ? decodeError(record) : undefined,
    reason: failReason(record.reason),
    endTime: toTimestamp(endOf(record)),
    attempt: record.attempt,
  };
}

function retryScheduled(record: StoredRecord, now: Instant, random: number): Value<"retryScheduled"> {
  return {
    $typeName: "holdfast.v1.RetryScheduled",
    dueTime: toTimestamp(record.due),
    retryAfter: toDuration(retryAfterDueMs(msBetween(now, record.due), random)),
    lastError: decodeError(record),
    attempt: record.attempt,
  };
}

/** By lapse or stored, `due` is since when. */
export function toOutcomeUnknown(record: StoredRecord): Value<"outcomeUnknown"> {
  return {
    $typeName: "holdfast.v1.OutcomeUnknown",
    reason: unknownReason(record.reason),
    since: toTimestamp(record.due),
    lastOwner: decodeEvidence(record).owner,
    attempt: record.attempt,
    lastCheckpoint: decodeCheckpoint(record),
    externalRef: record.externalRef ?? "",
  };
}

export function toExpired(record: StoredRecord): Value<"expired"> {
  return {
    $typeName: "holdfast.v1.Expired",
    terminalState: record.state === "completed" ? RECORD_STATES.completed : RECORD_STATES.failed,
    endTime: toTimestamp(endOf(record)),
    tombstoneExpireTime: toTimestamp(record.forgetAt),
  };
}

function endOf({ endTime }: StoredRecord): Instant {
  if (endTime === null) throw new Error("bug: an ended record has no end time");
  return endTime;
}
