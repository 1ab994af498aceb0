import { RecordState } from "../../../gen/holdfast/v1/idempotency_pb.ts";
import type { ResetRecordRequestSchema, ResetRecordResponseSchema } from "../../../gen/holdfast/v1/operator_pb.ts";
import type { ResetRecord } from "../../operations/admin/records/reset.ts";
import type { UnaryHandler } from "../pipeline.ts";
import { recordStateOf } from "../wire/enums.ts";
import { toRecordSummary } from "../wire/record-summary.ts";
import { keyOf } from "../wire/request.ts";

export function createResetRecordHandler(
  resetRecord: ResetRecord,
): UnaryHandler<typeof ResetRecordRequestSchema, typeof ResetRecordResponseSchema> {
  return async ({ key, expectedState: seen, ...asked }, caller) => {
    const { force, expectedFence, reason } = asked;
    const expectedState = seen === RecordState.UNSPECIFIED ? null : recordStateOf(seen);
    const input = { key: keyOf(key), force, expectedFence, expectedState, reason };
    return { record: toRecordSummary(await resetRecord(caller, input)) };
  };
}
