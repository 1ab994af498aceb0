import type { Duration, Timestamp } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError } from "@connectrpc/connect";
import { ErrorInfoSchema } from "../../gen/google/rpc/error_details_pb.ts";
import {
  AcquireReason,
  type ClaimResponse,
  type Completed,
  type CompleteResponse,
  type Ended,
  type Expired,
  type Failed,
  FailReason,
  type FailResponse,
  Finish_Reason,
  type GetRecordResponse,
  type HeartbeatResponse,
  type Lease,
  type Record as RecordMessage,
  RecordState,
  type Snapshot,
  UnknownReason,
} from "../../gen/holdfast/v1/idempotency_pb.ts";
import { checkpointOf, errorDigest, hex, resultDigest } from "./digests.ts";
import type { CallLine, Output } from "./format.ts";
import { given } from "./given.ts";
import { ownerOf } from "./inputs.ts";

/** What an answer says, and the time of its decision if it tells that. */
export type Told = Pick<CallLine, "output" | "server_time_us">;

export function claimTold({ detail, policyDiffers }: ClaimResponse): Told {
  const told = detailTold(detail);
  return policyDiffers ? { ...told, output: { ...told.output, policy_differs: true } } : told;
}

function detailTold(detail: ClaimResponse["detail"]): Told {
  switch (detail.case) {
    case "acquired": {
      const { lease, reason, lastCheckpoint, previousError } = detail.value;
      const output = {
        ...{ kind: "acquired" as const, reason: word(AcquireReason, reason), ...leaseTold(lease) },
        ...given("checkpoint", checkpointOf(lastCheckpoint)),
        ...given("error", errorDigest(previousError)),
      };
      return { output, ...timeOf(lease) };
    }
    case "inProgress": {
      const { owner, attempt, attemptStartTime, leaseExpireTime } = detail.value;
      const times = { started_us: micros(attemptStartTime), expires_us: micros(leaseExpireTime) };
      return { output: { kind: "in-progress", attempt, owner: ownerOf(owner), ...times } };
    }
    case "completed":
      return { output: completed(detail.value) };
    case "failed":
      return { output: failed(detail.value) };
    case "retryScheduled": {
      const { dueTime, lastError, attempt } = detail.value;
      const error = given("error", errorDigest(lastError));
      return { output: { kind: "retry-scheduled", attempt, due_us: micros(dueTime), ...error } };
    }
    case "outcomeUnknown": {
      const { reason, since, lastOwner, attempt, lastCheckpoint } = detail.value;
      const checkpoint = given("checkpoint", checkpointOf(lastCheckpoint));
      const why = { reason: word(UnknownReason, reason), since_us: micros(since) };
      return { output: { kind: "outcome-unknown", ...why, attempt, owner: ownerOf(lastOwner), ...checkpoint } };
    }
    case "expired":
      return { output: expired(detail.value) };
    case undefined:
      throw new Error("a claim was answered with nothing");
  }
}

export function heartbeatTold({ lease }: HeartbeatResponse): Told {
  return { output: { kind: "extended", ...leaseTold(lease) }, ...timeOf(lease) };
}

export function completeTold({ alreadyApplied, late, resultExpireTime }: CompleteResponse): Told {
  const flags = { already_applied: alreadyApplied, late };
  return {
    output: { kind: "accepted", state: "completed", ...flags, result_expires_us: micros(resultExpireTime) },
  };
}

export function failTold({ state, alreadyApplied, late, dueTime }: FailResponse): Told {
  const due = dueTime === undefined ? {} : { due_us: micros(dueTime) };
  const flags = { already_applied: alreadyApplied, late };
  return { output: { kind: "accepted", state: word(RecordState, state), ...flags, ...due } };
}

export function getRecordTold({ record, result, error }: GetRecordResponse): Told {
  const content = { ...given("result", resultDigest(result)), ...given("error", errorDigest(error)) };
  return { output: { ...recordTold(record), ...content } };
}

export function snapshotTold({ record, absent }: Snapshot): Told {
  return { output: absent ? { kind: "absent" } : recordTold(record) };
}

export function endedTold({ detail }: Ended): Told {
  switch (detail.case) {
    case "completed":
      return { output: completed(detail.value) };
    case "failed":
      return { output: failed(detail.value) };
    case "expired":
      return { output: expired(detail.value) };
    case undefined:
      throw new Error("a wait ended with nothing");
  }
}

export function finishTold(reason: Finish_Reason): Told {
  return { output: { kind: "finish", reason: word(Finish_Reason, reason) } };
}

/** Codes under which a call may have taken effect, whatever reason comes with them. */
const UNKNOWN: ReadonlySet<Code> = new Set([
  Code.Unavailable,
  Code.DeadlineExceeded,
  Code.Canceled,
  Code.Unknown,
  Code.Internal,
  Code.DataLoss,
]);

/** An error is a refusal only if the server gave one of its reasons; what is between may say anything. */
export function errorTold(thrown: unknown, nowNs: number): Told {
  const error = ConnectError.from(thrown);
  const reason = error.findDetails(ErrorInfoSchema).find(({ domain }) => domain === "holdfast.v1")?.reason ?? "";
  const code = Code[error.code];
  if (reason !== "" && !UNKNOWN.has(error.code)) return { output: { kind: "refused", code, reason } };
  return { output: { kind: "unknown", code, ...(reason !== "" && { reason }), gave_up_ns: nowNs } };
}

function completed({ result, endTime, attempt, resultExpireTime }: Completed): Output {
  const times = { ended_us: micros(endTime), result_expires_us: micros(resultExpireTime) };
  return { kind: "completed", attempt, ...times, ...given("result", resultDigest(result)) };
}

function failed({ error, reason, endTime, attempt }: Failed): Output {
  const why = { reason: word(FailReason, reason), ...given("error", errorDigest(error)) };
  return { kind: "failed", attempt, ended_us: micros(endTime), ...why };
}

function expired({ terminalState, endTime, tombstoneExpireTime }: Expired): Output {
  const times = { ended_us: micros(endTime), forgotten_us: micros(tombstoneExpireTime) };
  return { kind: "expired", state: word(RecordState, terminalState), ...times };
}

function recordTold(record: RecordMessage | undefined): Output {
  if (record === undefined) throw new Error("an answer without the record");
  const { state, attempt, fence, owner, reconciling, unknownReason, failReason } = record;
  const why = unknownReason !== 0 ? word(UnknownReason, unknownReason) : word(FailReason, failReason);
  return {
    ...{ kind: "record", state: word(RecordState, state), attempt, fence: Number(fence), owner: ownerOf(owner) },
    ...(why !== "" && { reason: why }),
    ...(reconciling && { reconciling }),
    ...given("checkpoint", checkpointOf(record.checkpoint)),
    started_us: micros(record.attemptStartTime),
    ...given("expires_us", record.leaseExpireTime && micros(record.leaseExpireTime)),
    ...given("due_us", record.dueTime && micros(record.dueTime)),
    ...given("ended_us", record.endTime && micros(record.endTime)),
    ...given("result_expires_us", record.resultExpireTime && micros(record.resultExpireTime)),
    ...given("forgotten_us", record.tombstoneExpireTime && micros(record.tombstoneExpireTime)),
  };
}

function leaseTold(lease: Lease | undefined): Partial<Output> {
  if (lease === undefined) throw new Error("an answer without its lease");
  const { handle, fence, attempt, expireTime, waited } = lease;
  const waitedUs = lengthUs(waited);
  return {
    ...{ token: hex(handle?.token), fence: Number(fence), attempt, expires_us: micros(expireTime) },
    ...(waitedUs > 0 && { waited_us: waitedUs }),
  };
}

/** Of a lease that was over when it was answered, no time is told. */
function timeOf(lease: Lease | undefined): Pick<Told, "server_time_us"> {
  const remainingUs = lengthUs(lease?.remaining);
  return remainingUs > 0 ? { server_time_us: micros(lease?.expireTime) - remainingUs } : {};
}

function micros(time: Timestamp | undefined): number {
  return time === undefined ? 0 : Number(time.seconds) * 1_000_000 + Math.round(time.nanos / 1000);
}

function lengthUs(duration: Duration | undefined): number {
  return duration === undefined ? 0 : Number(duration.seconds) * 1_000_000 + Math.round(duration.nanos / 1000);
}

/** The name of an enum's value, in this format's spelling; "" for UNSPECIFIED. */
function word(names: Readonly<Record<string, number>>, value: number): string {
  if (value === 0) return "";
  const name = Object.keys(names).find((each) => names[each] === value) ?? String(value);
  return name.toLowerCase().replaceAll("_", "-");
}
