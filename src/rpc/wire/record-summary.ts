import type { MessageInitShape } from "@bufbuild/protobuf";
import { type RecordSummarySchema, StuckReason as StuckReasonProto } from "../../../gen/holdfast/v1/operator_pb.ts";
import type { Instant } from "../../domain/instant.ts";
import { isReconciling } from "../../domain/record.ts";
import type { StuckReason } from "../../domain/stuck.ts";
import type { RecordView } from "../../operations/admin/records/view.ts";
import { failReason, RECORD_STATES, unknownReason } from "./enums.ts";
import { decodeError, decodeEvidence, decodeProgress, decodeResult } from "./stored.ts";
import { toTimestamp } from "./time.ts";

type RecordSummaryInit = MessageInitShape<typeof RecordSummarySchema>;

const STUCK_REASONS = {
  "outcome-unknown": StuckReasonProto.OUTCOME_UNKNOWN,
  "lease-expired": StuckReasonProto.LEASE_EXPIRED,
  overdue: StuckReasonProto.OVERDUE,
} as const satisfies Record<StuckReason, StuckReasonProto>;

export function toStuckReason(stuck: StuckReason | null): StuckReasonProto {
  return stuck === null ? StuckReasonProto.UNSPECIFIED : STUCK_REASONS[stuck];
}

/** Without what the work has produced. */
export function toRecordSummary(view: RecordView): RecordSummaryInit {
  const { record, state, stuck } = view;
  return {
    key: { ...record.key },
    state: RECORD_STATES[state],
    stuck: toStuckReason(stuck),
    attempt: record.attempt,
    fence: record.lease.fence,
    owner: decodeEvidence(record).owner,
    externalRef: record.externalRef ?? "",
    progress: decodeProgress(record),
    createTime: toTimestamp(record.createTime),
    attemptStartTime: toTimestamp(record.attemptStartTime),
    stateTime: toTimestamp(stateTimeOf(view)),
    ...(state === "in-progress" && { leaseExpireTime: toTimestamp(record.due) }),
    ...(state === "outcome-unknown" && { unknownReason: unknownReason(record.reason) }),
    ...(state === "failed" && { failReason: failReason(record.reason) }),
    reconciling: isReconciling(record) && state === "in-progress",
    hasWaiters: record.hasWaiters,
  };
}

/** With the result or the last error. An expired record has neither. */
export function toWholeSummary(view: RecordView): RecordSummaryInit {
  const { record, state } = view;
  const summary = toRecordSummary(view);
  if (state === "expired" || record.outcome === null) return summary;
  return state === "completed"
    ? { ...summary, result: decodeResult(record) }
    : { ...summary, error: decodeError(record) };
}

function stateTimeOf({ record, state, stuck }: RecordView): Instant {
  if (record.endTime !== null) return record.endTime;
  return state === "in-progress" && stuck === null ? record.attemptStartTime : record.due;
}
