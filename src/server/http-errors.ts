import { Code, ConnectError } from "@connectrpc/connect";
import { Fault } from "../domain/fault.ts";
import { RpcError } from "../rpc/error.ts";

/**
 * The details go along; a client that retries by itself finds the delay in the header that its protocol knows. Anything
 * but an `RpcError` is a bug below, of which nothing is told.
 */
export function connectError(error: unknown): ConnectError {
  if (!(error instanceof RpcError)) return new ConnectError("internal error", Code.Internal);
  const details = error.details.map(({ desc, message }) => ({ desc, value: message }));
  return new ConnectError(error.message, error.code as number as Code, retryHeaders(error), details, error.cause);
}

function retryHeaders({ retryAfterMs }: RpcError): Record<string, string> {
  if (retryAfterMs === null) return {};
  return { "retry-after": String(Math.ceil(retryAfterMs / 1000)), "grpc-retry-pushback-ms": String(retryAfterMs) };
}

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
