import { timestampDate } from "@bufbuild/protobuf/wkt";
import type { Status } from "../../gen/google/rpc/status_pb.ts";
import type { Expired, Failed, OutcomeUnknown, Result } from "../../gen/holdfast/v1/idempotency_pb.ts";
import { FailReason, RecordState, UnknownReason } from "../../gen/holdfast/v1/idempotency_pb.ts";
import { type CheckpointView, viewCheckpoint } from "./content.ts";
import { HoldfastError } from "./errors.ts";

/** The work has failed for good in an earlier attempt, or its attempts are used up: a replayed error. */
export class FailedError extends HoldfastError {
  override readonly name = "FailedError";
  readonly replayed = true;
  /** As the failed attempt reported it; undefined when attempts ran out and none reported an error. */
  readonly status: Status | undefined;
  readonly failReason: "reported" | "max-attempts" | "resolved" | "unspecified";
  readonly attempt: number;
  readonly endTime: Date | undefined;

  constructor(failed: Failed) {
    const failReason = FAIL_REASONS.get(failed.reason) ?? "unspecified";
    const why = failed.error?.message ? `: ${failed.error.message}` : "";
    super(`the work has failed for good (${failReason}, attempt ${failed.attempt})${why}`, { reason: "FAILED" });
    this.status = failed.error;
    this.failReason = failReason;
    this.attempt = failed.attempt;
    this.endTime = failed.endTime && timestampDate(failed.endTime);
  }
}

/** What is known of an attempt of which nobody knows how it went. */
export interface UnknownEvidence {
  readonly reason: "lease-expired" | "reported" | "store-restored" | "unspecified";
  readonly since: Date | undefined;
  readonly lastOwner: { readonly service: string; readonly instance: string } | undefined;
  readonly attempt: number;
  readonly lastCheckpoint: CheckpointView | undefined;
  readonly externalRef: string;
}

/** Nobody knows whether the work was done. Hand the key to `reconcile`, or ask an operator. */
export class OutcomeUnknownError extends HoldfastError {
  override readonly name = "OutcomeUnknownError";
  readonly evidence: UnknownEvidence;

  constructor(unknown: OutcomeUnknown) {
    const evidence = viewEvidence(unknown);
    super(`nobody knows whether the work was done (${evidence.reason}, attempt ${evidence.attempt})`, {
      reason: "OUTCOME_UNKNOWN",
    });
    this.evidence = evidence;
  }
}

export function viewEvidence(unknown: OutcomeUnknown): UnknownEvidence {
  return {
    reason: UNKNOWN_REASONS.get(unknown.reason) ?? "unspecified",
    since: unknown.since && timestampDate(unknown.since),
    lastOwner: unknown.lastOwner && { service: unknown.lastOwner.service, instance: unknown.lastOwner.instance },
    attempt: unknown.attempt,
    lastCheckpoint: viewCheckpoint(unknown.lastCheckpoint),
    externalRef: unknown.externalRef,
  };
}

/** The work was done, or failed for good, so long ago that the result is no longer kept. It is not run again. */
export class ExpiredError extends HoldfastError {
  override readonly name = "ExpiredError";
  /** "unspecified" is an end that this client does not know. */
  readonly endState: "completed" | "failed" | "unspecified";
  readonly endTime: Date | undefined;
  readonly tombstoneExpireTime: Date | undefined;

  constructor(expired: Expired) {
    const endState = END_STATES.get(expired.terminalState) ?? "unspecified";
    const how = endState === "unspecified" ? "ended" : endState;
    super(`the work has ${how}, and its result is no longer kept`, { reason: "EXPIRED" });
    this.endState = endState;
    this.endTime = expired.endTime && timestampDate(expired.endTime);
    this.tombstoneExpireTime = expired.tombstoneExpireTime && timestampDate(expired.tombstoneExpireTime);
  }
}

/** Whose result it is: a replay of somebody's, or that of the work which has just returned `value`. */
export interface ResultOrigin {
  readonly replayed: boolean;
  readonly value?: unknown;
  readonly cause?: unknown;
}

/** The work is done, but there is no value to return: see `why`. `result` is what is stored. */
export class ResultUnavailableError extends HoldfastError {
  override readonly name = "ResultUnavailableError";
  /** "omitted": never stored, too large or not to be encoded · "reference": kept elsewhere · "unreadable": undecodable. */
  readonly why: "omitted" | "reference" | "unreadable";
  readonly result: Result;
  readonly replayed: boolean;
  /** When not replayed: what the work returned. */
  readonly value: unknown;

  constructor(why: "omitted" | "reference" | "unreadable", result: Result, message: string, own: ResultOrigin) {
    super(message, { reason: "RESULT_UNAVAILABLE", cause: own.cause });
    this.why = why;
    this.result = result;
    this.replayed = own.replayed;
    this.value = own.value;
  }
}

const FAIL_REASONS = new Map<FailReason, FailedError["failReason"]>([
  [FailReason.REPORTED, "reported"],
  [FailReason.MAX_ATTEMPTS, "max-attempts"],
  [FailReason.RESOLVED, "resolved"],
]);

const END_STATES = new Map<RecordState, ExpiredError["endState"]>([
  [RecordState.COMPLETED, "completed"],
  [RecordState.FAILED, "failed"],
]);

const UNKNOWN_REASONS = new Map<UnknownReason, UnknownEvidence["reason"]>([
  [UnknownReason.LEASE_EXPIRED, "lease-expired"],
  [UnknownReason.REPORTED, "reported"],
  [UnknownReason.STORE_RESTORED, "store-restored"],
]);
