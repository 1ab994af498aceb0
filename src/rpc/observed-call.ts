import type { Message } from "@bufbuild/protobuf";
import { Code, CodeSchema } from "../../gen/google/rpc/code_pb.ts";
import type { Principal } from "../auth/authenticator.ts";
import type { Clock } from "../clock.ts";
import { Fault } from "../domain/fault.ts";
import type { CallTrace } from "../telemetry/call-trace.ts";
import type { CallContext, Endpoint, Malformed } from "./endpoint.ts";
import type { RpcError } from "./error.ts";
import type { Call, PipelineDeps } from "./pipeline.ts";
import { toRpcError } from "./status.ts";

type ObservedCallDeps = Pick<PipelineDeps, "clock" | "observer" | "random">;

export interface ObservedCallInit {
  readonly method: Endpoint["method"];
  readonly message: Message | Malformed;
  readonly context: CallContext;
  readonly trace: CallTrace;
}

/** A class, for there is one with each call: what it does is shared. */
export class ObservedCall {
  readonly startedMs: number;
  readonly context: CallContext;
  readonly #deps: ObservedCallDeps;
  readonly #method: Endpoint["method"];
  readonly #trace: CallTrace;
  #message: Message | Malformed | null;
  #isOpen = true;

  constructor(deps: ObservedCallDeps, { method, message, context, trace }: ObservedCallInit) {
    this.startedMs = deps.clock.monotonicMs();
    this.context = context;
    this.#deps = deps;
    this.#method = method;
    this.#trace = trace;
    this.#message = message;
    deps.observer.started(method, context);
  }

  /** From here on it is kept by whoever has taken it, and by nobody else. */
  takeMessage(): Message | Malformed {
    const message = this.#message;
    if (message === null) throw new Error("bug: the message of a call is taken twice");
    this.#message = null;
    return message;
  }

  callOf(principal: Principal): Call {
    const { context } = this;
    return { principal, deadline: context.deadline, context, trace: this.#trace };
  }

  done(): void {
    this.#close(Code.OK);
  }

  failed(thrown: unknown): RpcError {
    const { clock, random } = this.#deps;
    const error = toRpcError(wentAway(thrown, this.context, clock) ?? thrown, this.context, random);
    this.#close(error.code, error);
    return error;
  }

  /** The reader of a stream went away before its end; nothing when the call was done or failed. */
  abandoned(): void {
    if (this.#isOpen) this.failed(new Fault("CANCELLED", "the caller went away"));
  }

  /** What comes first is what it was. */
  #close(code: Code, error?: RpcError): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    const { observer, clock } = this.#deps;
    const seconds = (clock.monotonicMs() - this.startedMs) / 1000;
    observer.handled(this.#method, code, seconds, this.context, error, this.#trace);
    this.#trace.end(CodeSchema.value[code]?.name ?? "UNKNOWN", error?.reason ?? null);
  }
}

/** What was thrown because the call's own signal fired is no bug of ours. */
function wentAway(thrown: unknown, context: CallContext, clock: Clock): Fault | null {
  if (thrown instanceof Fault || !context.signal.aborted) return null;
  const aborted = thrown === context.signal.reason || (thrown instanceof Error && thrown.name === "AbortError");
  if (!aborted) return null;
  return clock.monotonicMs() >= context.deadline
    ? new Fault("DEADLINE_EXCEEDED", "the deadline passed; whether the call took effect is not known")
    : new Fault("CANCELLED", "the caller went away; whether the call took effect is not known");
}
