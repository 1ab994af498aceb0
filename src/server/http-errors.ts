import { type Code, ConnectError } from "@connectrpc/connect";
import type { RpcError } from "../rpc/error.ts";

/** The details go along; a client that retries by itself finds the delay in the header that its protocol knows. */
export function connectError(error: RpcError): ConnectError {
  const details = error.details.map(({ desc, message }) => ({ desc, value: message }));
  return new ConnectError(error.message, error.code as number as Code, retryHeaders(error), details, error.cause);
}

function retryHeaders({ retryAfterMs }: RpcError): Record<string, string> {
  if (retryAfterMs === null) return {};
  return { "retry-after": String(Math.ceil(retryAfterMs / 1000)), "grpc-retry-pushback-ms": String(retryAfterMs) };
}
