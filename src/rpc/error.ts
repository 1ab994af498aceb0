import { create, type DescMessage, type Message, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { anyPack } from "@bufbuild/protobuf/wkt";
import type { Code } from "../../gen/google/rpc/code_pb.ts";
import { StatusSchema } from "../../gen/google/rpc/status_pb.ts";
import type { FaultCode } from "../domain/fault.ts";

/** One message of google.rpc.Status.details. */
export interface RpcErrorDetail {
  readonly desc: DescMessage;
  readonly message: Message;
}

export interface RpcErrorInit {
  readonly code: Code;
  readonly reason: FaultCode;
  readonly message: string;
  readonly details: readonly RpcErrorDetail[];
  readonly retryAfterMs: number | null;
  /** Logged, never sent. */
  readonly cause: unknown;
}

/** How a call fails on the wire; the only thing that an endpoint throws. Made by `toRpcError`; of a session too by what reads it. */
export class RpcError extends Error {
  override readonly name = "RpcError";
  readonly code: Code;
  readonly reason: FaultCode;
  readonly details: readonly RpcErrorDetail[];
  /** The encoded google.rpc.Status, details included: what grpc-status-details-bin carries. */
  readonly status: Uint8Array;
  /** Set if and only if the same call can help later; what grpc-retry-pushback-ms carries. An integer. */
  readonly retryAfterMs: number | null;

  constructor({ code, reason, message, details, retryAfterMs, cause }: RpcErrorInit) {
    // A lone surrogate would keep grpc-js from ever sending the status.
    super(message.toWellFormed(), { cause });
    this.code = code;
    this.reason = reason;
    this.details = details;
    this.retryAfterMs = retryAfterMs;
    this.status = toBinary(
      StatusSchema,
      create(StatusSchema, {
        code,
        message: this.message,
        details: details.map(({ desc, message }) => anyPack(desc, message)),
      }),
    );
  }
}

export function detail<Desc extends DescMessage>(desc: Desc, init: MessageInitShape<Desc>): RpcErrorDetail {
  return { desc, message: create(desc, init) };
}
