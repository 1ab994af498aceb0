import { durationFromMs } from "@bufbuild/protobuf/wkt";
import type { LeaseHandle, Result } from "../../gen/holdfast/v1/idempotency_pb.ts";
import { type AttemptFailure, failKind, toStatus } from "./failure.ts";
import { retrying } from "./retry.ts";
import { never, type Runtime } from "./runtime.ts";
import { toLeaseError } from "./wire-error.ts";

/**
 * The calls that end an attempt. A lost answer is asked for again with the same content, which the server tells by its
 * digest, until the retry policy's total time is over. Neither the caller's signal nor close() stops them: the work is
 * over, and what became of it is all that is left to say. Late ends are accepted, so the lease does not stop them either.
 *
 * @throws HoldfastError; a LeaseLostError when the lease is another's by now.
 */
export async function sendComplete(runtime: Runtime, handle: LeaseHandle, result: Result): Promise<void> {
  await untilAnswered(runtime, (options) => runtime.rpc.complete({ handle, result }, options));
}

export async function sendFail(runtime: Runtime, handle: LeaseHandle, failure: AttemptFailure): Promise<void> {
  const delay = failure.delayMs > 0 ? { delay: durationFromMs(Math.round(failure.delayMs)) } : {};
  const request = { handle, kind: failKind(failure.kind), error: toStatus(failure), ...delay };
  await untilAnswered(runtime, (options) => runtime.rpc.fail(request, options));
}

async function untilAnswered(runtime: Runtime, send: Parameters<typeof retrying>[2]): Promise<void> {
  const giveUpAtMs = runtime.clock.monotonicMs() + runtime.retry.totalTimeoutMs;
  try {
    await retrying(runtime, { giveUpAtMs, signal: never() }, send);
  } catch (error) {
    throw toLeaseError(error);
  }
}
