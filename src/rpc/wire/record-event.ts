import type { MessageInitShape } from "@bufbuild/protobuf";
import {
  RecordEventKind as RecordEventKindProto,
  type RecordEventSchema,
} from "../../../gen/holdfast/v1/operator_pb.ts";
import type { TimelineEvent } from "../../operations/admin/records/events.ts";
import { idsOf, readTraceparent } from "../../telemetry/traceparent.ts";
import { decodeError, decodeEvidence } from "./stored.ts";
import { toTimestamp } from "./time.ts";

const KINDS = {
  claimed: RecordEventKindProto.CLAIMED,
  "taken-over": RecordEventKindProto.TAKEN_OVER,
  retried: RecordEventKindProto.RETRIED,
  reconciling: RecordEventKindProto.RECONCILING,
  completed: RecordEventKindProto.COMPLETED,
  "failed-retryable": RecordEventKindProto.FAILED_RETRYABLE,
  failed: RecordEventKindProto.FAILED,
  "not-started": RecordEventKindProto.NOT_STARTED,
  "outcome-unknown": RecordEventKindProto.OUTCOME_UNKNOWN,
  "attempts-used-up": RecordEventKindProto.ATTEMPTS_USED_UP,
  "lease-expired": RecordEventKindProto.LEASE_EXPIRED,
  released: RecordEventKindProto.RELEASED,
  resolved: RecordEventKindProto.RESOLVED,
  reset: RecordEventKindProto.RESET,
} as const satisfies Record<TimelineEvent["kind"], RecordEventKindProto>;

/** @param includeError show what the attempt reported */
export function toRecordEvent(event: TimelineEvent, includeError: boolean): MessageInitShape<typeof RecordEventSchema> {
  const { owner, traceparent } = decodeEvidence(event);
  return {
    kind: KINDS[event.kind],
    time: toTimestamp(event.time),
    attempt: event.attempt,
    fence: event.fence,
    owner,
    late: event.late,
    error: includeError ? decodeError({ outcome: event.error }) : undefined,
    actor: event.note?.actor ?? "",
    reason: event.note?.reason ?? "",
    auditSequence: event.auditSequence ?? 0n,
    traceId: traceIdOf(traceparent),
  };
}

/** Empty without one. */
function traceIdOf(stored: string): string {
  const traceparent = readTraceparent(stored);
  return traceparent === null ? "" : idsOf(traceparent).traceId;
}
