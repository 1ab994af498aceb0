import type { WaitForRequestSchema, WaitForResponseSchema } from "../../gen/holdfast/v1/idempotency_pb.ts";
import { DEFAULTS } from "../domain/limits.ts";
import type { WaitFor } from "../operations/wait-for.ts";
import { noteWaitForEvent } from "./claim-trace.ts";
import type { StreamHandler } from "./pipeline.ts";
import { durationOr } from "./wire/request.ts";
import { toWaitForResponse, waitModeOf, waitTargetOf } from "./wire/wait-for.ts";

export function createWaitForHandler(
  waitFor: WaitFor,
): StreamHandler<typeof WaitForRequestSchema, typeof WaitForResponseSchema> {
  return async function* ({ targets, mode, timeout, keepAliveInterval, includeResult, mustExist }, caller) {
    const told = waitFor(caller, {
      targets: targets.map(waitTargetOf),
      mode: waitModeOf(mode),
      timeoutMs: durationOr(timeout, DEFAULTS.waitForTimeoutMs),
      keepAliveMs: durationOr(keepAliveInterval, DEFAULTS.keepAliveIntervalMs),
      mustExist,
    });
    for await (const event of told) {
      noteWaitForEvent(caller.trace, event);
      yield toWaitForResponse(event, includeResult);
    }
  };
}
