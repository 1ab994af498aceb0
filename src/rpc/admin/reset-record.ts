import type { ResetRecordRequestSchema, ResetRecordResponseSchema } from "../../../gen/holdfast/v1/operator_pb.ts";
import type { ResetRecord } from "../../operations/admin/records/reset.ts";
import type { UnaryHandler } from "../pipeline.ts";
import { toRecordSummary } from "../wire/record-summary.ts";
import { keyOf } from "../wire/request.ts";

export function createResetRecordHandler(
  resetRecord: ResetRecord,
): UnaryHandler<typeof ResetRecordRequestSchema, typeof ResetRecordResponseSchema> {
  return async ({ key, force, expectedFence, reason }, caller) => ({
    record: toRecordSummary(await resetRecord(caller, { key: keyOf(key), force, expectedFence, reason })),
  });
}
