import type { DescMethod } from "@bufbuild/protobuf";
import type { Code } from "../../gen/google/rpc/code_pb.ts";
import type { AcquireReason, EndKind, ObservedKind } from "../domain/calls.ts";
import type { CallTrace } from "../telemetry/call-trace.ts";
import type { CallContext } from "./endpoint.ts";
import type { RpcError } from "./error.ts";

/** What the calls tell metrics and log. Nothing here names a key or a tenant. Must not throw. */
export interface RpcObserver {
  started(method: DescMethod, context: CallContext): void;
  /** Exactly once per call. `error` is set unless the code is OK; its `cause` is for the log and nobody else. */
  handled(
    method: DescMethod,
    code: Code,
    seconds: number,
    context: CallContext,
    error?: RpcError,
    trace?: Pick<CallTrace, "traceId">,
  ): void;
  /** A claim was answered; `reason` is set when it acquired. Claims that failed are in `handled` only. */
  claimed(outcome: "acquired" | ObservedKind, reason: AcquireReason | null): void;
  /** A Complete or Fail was accepted. */
  ended(kind: EndKind, alreadyApplied: boolean, late: boolean): void;
}

export const silentRpcObserver: RpcObserver = {
  started() {},
  handled() {},
  claimed() {},
  ended() {},
};
