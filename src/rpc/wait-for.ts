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
  return ({ targets, mode, timeout, keepAliveInterval, includeResult, mustExist }, caller) => {
    const told = waitFor(caller, {
      targets: targets.map(waitTargetOf),
      mode: waitModeOf(mode),
      timeoutMs: durationOr(timeout, DEFAULTS.waitForTimeoutMs),
      keepAliveMs: durationOr(keepAliveInterval, DEFAULTS.keepAliveIntervalMs),
      mustExist,
    });
    return mapped(told, (event) => {
      noteWaitForEvent(caller.trace, event);
      return toWaitForResponse(event, includeResult);
    });
  };
}

/** By hand: a generator would keep what it has yielded last until the next one comes, and thousands may wait. */
function mapped<From, To>(source: AsyncGenerator<From, void>, map: (from: From) => To): AsyncIterable<To> {
  const mapOne = ({ done, value }: IteratorResult<From, void>): IteratorResult<To, undefined> =>
    done ? { done, value: undefined } : { done: false, value: map(value as From) };
  const iterator: AsyncIterator<To, undefined> = {
    next: () => source.next().then(mapOne),
    return: () => source.return().then(() => ({ done: true, value: undefined })),
  };
  return { [Symbol.asyncIterator]: () => iterator };
}
