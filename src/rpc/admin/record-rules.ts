import type { Duration } from "@bufbuild/protobuf/wkt";
import { RecordState } from "../../../gen/holdfast/v1/idempotency_pb.ts";
import type {
  ForceReleaseRequest,
  ListRecordsRequest,
  PurgeRecordsRequest,
  ResetRecordRequest,
  ResolveOutcomeRequest,
} from "../../../gen/holdfast/v1/operator_pb.ts";
import { SIZES } from "../../domain/limits.ts";
import { checkMetadata, type Report, type Rules } from "../rules.ts";
import { encodeError } from "../wire/stored.ts";
import { durationMs, isWellFormedDuration } from "../wire/time.ts";

/** Those in which a record can be stuck. */
const STUCK_STATES: readonly RecordState[] = [
  RecordState.IN_PROGRESS,
  RecordState.AVAILABLE,
  RecordState.OUTCOME_UNKNOWN,
];
const STUCK_STATES_ALLOWED =
  "must, with stuck_only, be empty or have RECORD_STATE_IN_PROGRESS, RECORD_STATE_AVAILABLE or RECORD_STATE_OUTCOME_UNKNOWN";

/** Filters that together let nothing through are refused: "nothing is stuck" must not be the answer to a slip. */
export const listRecordsRules: Rules<ListRecordsRequest> = (request, report) => {
  const { states, stuckOnly, olderThan, newerThan } = request;
  if (stuckOnly && states.length > 0 && !states.some((state) => STUCK_STATES.includes(state))) {
    report("FIELD_INVALID", "states", STUCK_STATES_ALLOWED);
  }
  const [older, newer] = [checkAge("older_than", olderThan, report), checkAge("newer_than", newerThan, report)];
  if (older !== null && newer !== null && newer < older) {
    report("FIELD_INVALID", "newer_than", "must be at least older_than, or no record is both");
  }
};

export const forceReleaseRules: Rules<ForceReleaseRequest> = ({ reason }, report) => checkReason(reason, report);

export const resolveOutcomeRules: Rules<ResolveOutcomeRequest> = ({ verdict, reason }, report) => {
  checkReason(reason, report);
  if (verdict.case === "completed") checkMetadata("completed.metadata", verdict.value.metadata, report);
  if (verdict.case !== "failed") return;
  if (verdict.value.code === 0) report("FIELD_INVALID", "failed.code", "must not be 0, which is OK");
  if (encodeError(verdict.value).length > SIZES.errorBytesMax) {
    report("ERROR_TOO_LARGE", "failed", `must be at most ${SIZES.errorBytesMax} bytes`);
  }
};

export const resetRecordRules: Rules<ResetRecordRequest> = ({ reason }, report) => checkReason(reason, report);

export const purgeRecordsRules: Rules<PurgeRecordsRequest> = ({ tenantId, target, reason }, report) => {
  checkReason(reason, report);
  if (target.case === "key" && target.value.tenant !== "" && target.value.tenant !== tenantId) {
    report("FIELD_INVALID", "key.tenant", "must be empty or the same as tenant_id");
  }
};

/** Whoever reads the audit log later is to find a reason there. Of an empty one the proto's own rule tells. */
function checkReason(reason: string, report: Report): void {
  if (reason !== "" && reason.trim() === "") report("FIELD_INVALID", "reason", "must not be white space only");
}

/** In milliseconds; null without one that can be used. */
function checkAge(field: string, value: Duration | undefined, report: Report): number | null {
  if (value === undefined) return null;
  if (isWellFormedDuration(value) && value.seconds >= 0n && value.nanos >= 0) return durationMs(value);
  report("FIELD_INVALID", field, "must be a duration from 0s to 315576000000s with nanos from 0 to 999999999");
  return null;
}
