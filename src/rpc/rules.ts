import type { Duration } from "@bufbuild/protobuf/wkt";
import type { Status } from "../../gen/google/rpc/status_pb.ts";
import {
  ClaimIntent,
  type ClaimRequest,
  type CompleteRequest,
  FailKind,
  type FailRequest,
  type Fingerprint,
  type GetRecordRequest,
  type HeartbeatRequest,
  type WaitForRequest,
} from "../../gen/holdfast/v1/idempotency_pb.ts";
import type { FaultCode } from "../domain/fault.ts";
import { DURATIONS, type DurationBounds, SIZES } from "../domain/limits.ts";
import { encodeError } from "./wire/stored.ts";
import { isWellFormedDuration } from "./wire/time.ts";

/** In the order in which they win when a request breaks several kinds of rule. */
export const INVALID_CODES = [
  "FIELD_INVALID",
  "RESULT_TOO_LARGE",
  "CHECKPOINT_TOO_LARGE",
  "ERROR_TOO_LARGE",
  "DURATION_OUT_OF_RANGE",
] as const satisfies readonly FaultCode[];

export type InvalidCode = (typeof INVALID_CODES)[number];

/** `field` is a proto path, `allowed` completes the sentence "`field` …". */
export type Report = (code: InvalidCode, field: string, allowed: string) => void;

/** What a message must obey beyond the protovalidate rules that stand in the proto. */
export type Rules<Request> = (request: Request, report: Report) => void;

export const claimRules: Rules<ClaimRequest> = (request, report) => {
  checkFingerprint("fingerprint", request.fingerprint, report);
  checkDuration("lease", request.lease, DURATIONS.lease, report);
  checkDuration("wait", request.wait, DURATIONS.wait, report);
  const waits = request.wait !== undefined && (request.wait.seconds > 0n || request.wait.nanos > 0);
  if (waits && request.intent === ClaimIntent.RECONCILE) {
    report("FIELD_INVALID", "wait", "must not be set with CLAIM_INTENT_RECONCILE, which never waits");
  }
  const { policy } = request;
  checkDuration("policy.max_execution", policy?.maxExecution, DURATIONS.maxExecution, report);
  checkDuration("policy.result_retention", policy?.resultRetention, DURATIONS.resultRetention, report);
  checkDuration("policy.tombstone_retention", policy?.tombstoneRetention, DURATIONS.tombstoneRetention, report);
  checkMetadata("metadata", request.metadata, report);
};

export const heartbeatRules: Rules<HeartbeatRequest> = (request, report) => {
  checkDuration("lease", request.lease, DURATIONS.lease, report);
};

export const completeRules: Rules<CompleteRequest> = (request, report) => {
  if (request.result !== undefined) checkMetadata("result.metadata", request.result.metadata, report);
};

export const failRules: Rules<FailRequest> = (request, report) => {
  checkDuration("delay", request.delay, DURATIONS.delay, report);
  const delays = request.delay !== undefined && (request.delay.seconds > 0n || request.delay.nanos > 0);
  if (delays && (request.kind === FailKind.TERMINAL || request.kind === FailKind.OUTCOME_UNKNOWN)) {
    report("FIELD_INVALID", "delay", "must be 0 unless kind is FAIL_KIND_RETRYABLE or FAIL_KIND_NOT_STARTED");
  }
  checkError("error", request.error, report);
};

export const getRecordRules: Rules<GetRecordRequest> = (request, report) => {
  checkFingerprint("fingerprint", request.fingerprint, report);
};

export const waitForRules: Rules<WaitForRequest> = (request, report) => {
  for (const [index, target] of request.targets.entries()) {
    checkFingerprint(`targets[${index}].fingerprint`, target.fingerprint, report);
  }
  checkDuration("timeout", request.timeout, DURATIONS.waitForTimeout, report);
  checkDuration("keep_alive_interval", request.keepAliveInterval, DURATIONS.keepAliveInterval, report);
};

export const noRules: Rules<unknown> = () => {};

/** Malformed comes before out of range: of a malformed duration nobody can say how long it is. */
export function checkDuration(
  field: string,
  value: Duration | undefined,
  bounds: DurationBounds,
  report: Report,
): void {
  if (value === undefined) return;
  if (!isWellFormedDuration(value)) {
    report("FIELD_INVALID", field, "must be a duration of at most 315576000000s with nanos below 1s, both of one sign");
    return;
  }
  const [minSeconds, maxSeconds] = [bounds.minMs / 1000, bounds.maxMs / 1000];
  const seconds = Number(value.seconds);
  const tooShort = seconds < minSeconds || (seconds === minSeconds && value.nanos < 0);
  const tooLong = seconds > maxSeconds || (seconds === maxSeconds && value.nanos > 0);
  if (tooShort || tooLong) report("DURATION_OUT_OF_RANGE", field, `must be from ${minSeconds}s to ${maxSeconds}s`);
}

function checkFingerprint(field: string, fingerprint: Fingerprint | undefined, report: Report): void {
  if (fingerprint === undefined) return;
  const { algorithm, digest } = fingerprint;
  if (digest.length > 0 && algorithm === "") {
    report("FIELD_INVALID", `${field}.algorithm`, "must name the algorithm when a digest is set, in 1 to 32 bytes");
  }
  if (digest.length === 0 && algorithm !== "") {
    report("FIELD_INVALID", `${field}.digest`, "must be set when an algorithm is, with 16 to 64 bytes");
  }
}

/** Stops counting at the limit: ten thousand entries cost no more than those that reach it. */
export function checkMetadata(field: string, metadata: Readonly<Record<string, string>>, report: Report): void {
  let bytes = 0;
  for (const name in metadata) {
    bytes += Buffer.byteLength(name) + Buffer.byteLength(metadata[name] ?? "");
    if (bytes > SIZES.metadataBytesMax) {
      report("FIELD_INVALID", field, `must be at most ${SIZES.metadataBytesMax} bytes, names and values together`);
      return;
    }
  }
}

function checkError(field: string, error: Status | undefined, report: Report): void {
  if (error === undefined || encodeError(error).length <= SIZES.errorBytesMax) return;
  report("ERROR_TOO_LARGE", field, `must be at most ${SIZES.errorBytesMax} bytes; the lease is kept, send less`);
}
