import { Code, ConnectError } from "@connectrpc/connect";
import { RpcError } from "./error.ts";

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
