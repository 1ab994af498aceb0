import type { ForceReleaseRequestSchema, ForceReleaseResponseSchema } from "../../../gen/holdfast/v1/operator_pb.ts";
import type { ForceRelease } from "../../operations/admin/records/release.ts";
import type { UnaryHandler } from "../pipeline.ts";
import { toRecordSummary } from "../wire/record-summary.ts";
import { keyOf } from "../wire/request.ts";

export function createForceReleaseHandler(
  forceRelease: ForceRelease,
): UnaryHandler<typeof ForceReleaseRequestSchema, typeof ForceReleaseResponseSchema> {
  return async ({ key, expectedFence, reason }, caller) => ({
    record: toRecordSummary(await forceRelease(caller, { key: keyOf(key), expectedFence, reason })),
  });
}
