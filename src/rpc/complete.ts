import type { CompleteRequestSchema, CompleteResponseSchema } from "../../gen/holdfast/v1/idempotency_pb.ts";
import type { Complete } from "../operations/complete.ts";
import type { UnaryHandler } from "./pipeline.ts";
import { keyOf, proofOf } from "./wire/request.ts";
import { encodeResult } from "./wire/stored.ts";
import { toTimestamp } from "./wire/time.ts";

export function createCompleteHandler(
  complete: Complete,
): UnaryHandler<typeof CompleteRequestSchema, typeof CompleteResponseSchema> {
  return async ({ handle, result }, caller) => {
    if (result === undefined) throw new Error("bug: validation lets no request without result through");
    const { alreadyApplied, late, due } = await complete(caller, {
      key: keyOf(handle?.key),
      proof: proofOf(handle),
      result: encodeResult(result),
    });
    return {
      $typeName: "holdfast.v1.CompleteResponse",
      alreadyApplied,
      late,
      resultExpireTime: toTimestamp(due),
    };
  };
}
