import type { FailRequestSchema, FailResponseSchema } from "../../gen/holdfast/v1/idempotency_pb.ts";
import type { Fail } from "../operations/fail.ts";
import type { UnaryHandler } from "./pipeline.ts";
import { failKindOf, RECORD_STATES } from "./wire/enums.ts";
import { durationOr, keyOf, proofOf } from "./wire/request.ts";
import { encodeCheckpoint, encodeError } from "./wire/stored.ts";
import { toTimestamp } from "./wire/time.ts";

export function createFailHandler(fail: Fail): UnaryHandler<typeof FailRequestSchema, typeof FailResponseSchema> {
  return async ({ handle, kind, error, delay, checkpoint }, caller) => {
    const { state, alreadyApplied, late, due } = await fail(caller, {
      key: keyOf(handle?.key),
      proof: proofOf(handle),
      kind: failKindOf(kind),
      error: error === undefined ? null : encodeError(error),
      delayMs: durationOr(delay, 0),
      checkpoint: encodeCheckpoint(checkpoint),
    });
    const answer = { state: RECORD_STATES[state], alreadyApplied, late };
    return state === "available" ? { ...answer, dueTime: toTimestamp(due) } : answer;
  };
}
