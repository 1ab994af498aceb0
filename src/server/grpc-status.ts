import { Metadata, type StatusObject } from "@grpc/grpc-js";
import type { RpcError } from "../rpc/error.ts";

/**
 * The details travel encoded beside the code. The pushback repeats RetryInfo for clients that retry by themselves: they
 * read that trailer and nothing else.
 */
export function grpcStatus(error: RpcError): Partial<StatusObject> {
  const metadata = new Metadata();
  metadata.set("grpc-status-details-bin", Buffer.from(error.status));
  if (error.retryAfterMs !== null) metadata.set("grpc-retry-pushback-ms", String(error.retryAfterMs));
  return { code: error.code as number, details: error.message, metadata };
}
