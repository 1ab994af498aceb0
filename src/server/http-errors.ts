import { Code, type ConnectError } from "@connectrpc/connect";
import { Fault } from "../domain/fault.ts";

/**
 * What the endpoint is to be told of a call that connect has refused by itself; undefined where connect's own answer will
 * do. INTERNAL is what connect calls bytes that are no protobuf. Behind a deadline that passed first it may answer
 * anything, for it reads on. Too large and unknown compression are the transport's.
 */
export function causeOf(refused: ConnectError): Error | undefined {
  if (refused.code === Code.InvalidArgument || refused.code === Code.Internal) return refused;
  return refused.code === Code.DeadlineExceeded ? LATE : undefined;
}

const LATE = new Fault("DEADLINE_EXCEEDED", "the deadline passed before the request was read");
