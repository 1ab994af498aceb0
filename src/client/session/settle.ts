import { Code, ConnectError } from "@connectrpc/connect";
import type { SessionResponse } from "../../../gen/holdfast/v1/idempotency_pb.ts";
import { toHoldfastError } from "../wire-error.ts";
import type { SessionCall } from "./call.ts";
import { errorOf } from "./wire.ts";

/** Tells a call what it was answered. */
export function settle(call: SessionCall, answer: SessionResponse["answer"], isLeft: boolean): void {
  if (answer.case === call.kind) {
    call.answered(answer.value);
  } else if (answer.case !== "error") {
    call.failed(new ConnectError(`a ${call.kind} was answered with ${answer.case}`, Code.Internal));
  } else {
    const error = errorOf(answer.value);
    if (isLeft && isTooLate(error)) call.elsewhere();
    else call.failed(error);
  }
}

/**
 * Whether it came after the goodbye, and so has not taken effect. When to come again, which is said along with it, is
 * meant for this stream. What has another reason, a database that is away say, is not cured by another stream: its caller
 * hears of it, and keeps to the time that the server asks for.
 */
function isTooLate(error: ConnectError): boolean {
  if (error.code !== Code.Unavailable) return false;
  const { reason } = toHoldfastError(error);
  return reason === "DRAINING" || reason === "";
}

export function cancelled(signal: AbortSignal): ConnectError {
  return new ConnectError("the call was cancelled", Code.Canceled, undefined, undefined, signal.reason);
}
