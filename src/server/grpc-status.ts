import { Metadata, type StatusObject } from "@grpc/grpc-js";
import { Code } from "../../gen/google/rpc/code_pb.ts";
import { RpcError } from "../rpc/error.ts";

/**
 * The details travel encoded beside the code. The pushback repeats RetryInfo for clients that retry by themselves: they
 * read that trailer and nothing else. Anything but an `RpcError` is a bug below, of which nothing is told.
 */
export function grpcStatus(error: unknown): Partial<StatusObject> {
  if (!(error instanceof RpcError)) return { code: Code.INTERNAL as number, details: "internal error" };
  const metadata = new Metadata();
  metadata.set("grpc-status-details-bin", Buffer.from(error.status));
  if (error.retryAfterMs !== null) metadata.set("grpc-retry-pushback-ms", String(error.retryAfterMs));
  return { code: error.code as number, details: error.message, metadata };
}
