import { create } from "@bufbuild/protobuf";
import {
  type ClaimPolicy,
  ClaimPolicySchema,
  RecordKeySchema,
  type Record as RecordProto,
} from "../../../gen/holdfast/v1/idempotency_pb.ts";
import { hasEnded, isReconciling, type Policy, type StoredRecord } from "../../domain/record.ts";
import type { SeenRecord } from "../../operations/get-record.ts";
import { failReason, leaseExpiryPolicy, RECORD_STATES, unknownReason } from "./enums.ts";
import { decodeCheckpoint, decodeEvidence, decodeProgress } from "./stored.ts";
import { toDuration, toTimestamp } from "./time.ts";

/** The stored evidence is a Record with owner, metadata and traceparent; the rest is filled in. */
export function toRecord({ state, record }: SeenRecord): RecordProto {
  const checkpoint = decodeCheckpoint(record);
  const progress = decodeProgress(record);
  return Object.assign(decodeEvidence(record), {
    key: create(RecordKeySchema, record.key),
    state: RECORD_STATES[state],
    attempt: record.attempt,
    fence: record.lease.fence,
    externalRef: record.externalRef ?? "",
    ...(checkpoint === undefined ? {} : { checkpoint }),
    ...(progress === undefined ? {} : { progress }),
    createTime: toTimestamp(record.createTime),
    attemptStartTime: toTimestamp(record.attemptStartTime),
    ...timesOf(state, record),
    // A reset has unbound the policy together with the fingerprint.
    ...(record.fingerprint === null ? {} : { policy: toPolicy(record.policy) }),
    ...(state === "outcome-unknown" ? { unknownReason: unknownReason(record.reason) } : {}),
    ...(state === "failed" ? { failReason: failReason(record.reason) } : {}),
    reconciling: isReconciling(record) && state === "in-progress",
    hasWaiters: record.hasWaiters,
  } satisfies Partial<RecordProto>);
}

function timesOf(state: SeenRecord["state"], record: StoredRecord): Partial<RecordProto> {
  if (state === "in-progress") return { leaseExpireTime: toTimestamp(record.due) };
  if (state === "available") return { dueTime: toTimestamp(record.due) };
  if (!hasEnded(record) || record.endTime === null) return {};
  return {
    endTime: toTimestamp(record.endTime),
    resultExpireTime: toTimestamp(record.due),
    tombstoneExpireTime: toTimestamp(record.forgetAt),
  };
}

function toPolicy(policy: Policy): ClaimPolicy {
  const message = create(ClaimPolicySchema, {
    onLeaseExpiry: leaseExpiryPolicy(policy.hold),
    maxAttempts: policy.maxAttempts,
    resultRetention: toDuration(policy.resultRetentionMs),
    tombstoneRetention: toDuration(policy.tombstoneRetentionMs),
  });
  if (policy.maxExecutionMs !== null) message.maxExecution = toDuration(policy.maxExecutionMs);
  return message;
}
