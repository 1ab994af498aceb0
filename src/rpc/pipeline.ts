import {
  create,
  type DescMessage,
  type DescMethodServerStreaming,
  type DescMethodUnary,
  isMessage,
  type Message,
  type MessageInitShape,
  type MessageShape,
} from "@bufbuild/protobuf";
import { Code, CodeSchema } from "../../gen/google/rpc/code_pb.ts";
import type { Authenticator, Principal } from "../auth/authenticator.ts";
import type { Clock } from "../clock.ts";
import { Fault } from "../domain/fault.ts";
import type { CallTrace } from "../telemetry/call-trace.ts";
import type { Tracing } from "../telemetry/tracing.ts";
import { type CallContext, type Endpoint, Malformed } from "./endpoint.ts";
import type { RpcError } from "./error.ts";
import { malformed } from "./malformed.ts";
import type { RpcObserver } from "./observer.ts";
import type { Rules } from "./rules.ts";
import { toRpcError } from "./status.ts";
import { createValidate, type Validate } from "./validate.ts";

export interface PipelineDeps {
  readonly authenticator: Authenticator;
  readonly observer: RpcObserver;
  readonly clock: Clock;
  /** 0 up to but not including 1. */
  readonly random: () => number;
  readonly tracing: Tracing;
}

/** What a handler may rely on: an authenticated caller and a valid request. */
export interface Call {
  readonly principal: Principal;
  /** Instant of `Clock.monotonicMs()`; Infinity without one. */
  readonly deadline: number;
  /** For who must know when the caller goes. Untouched otherwise: an adapter makes its signal when first asked for it. */
  readonly context: CallContext;
  readonly trace: CallTrace;
}

/** One RPC: decode, call, encode. No try, no logging, no metrics, no validation, no SQL. */
export type UnaryHandler<Input extends DescMessage, Output extends DescMessage> = (
  request: MessageShape<Input>,
  call: Call,
) => Promise<MessageInitShape<Output>>;

export type StreamHandler<Input extends DescMessage, Output extends DescMessage> = (
  request: MessageShape<Input>,
  call: Call,
) => AsyncIterable<MessageInitShape<Output>>;

/** See `Endpoint.bytesOf`. */
export type BytesOf<Output extends DescMessage> = (answer: MessageShape<Output>) => number;

/**
 * trace → observe → faults → authenticate → validate → handler, the same on every port. The observer sees the code that
 * is sent; nothing but an `RpcError` comes out.
 */
export function createUnary<Input extends DescMessage, Output extends DescMessage>(
  deps: PipelineDeps,
  method: DescMethodUnary<Input, Output>,
  rules: Rules<MessageShape<Input>>,
  handler: UnaryHandler<Input, Output>,
  bytesOf?: BytesOf<Output>,
): Endpoint {
  const validate = createValidate(method.input, rules);
  const begin = deps.tracing.rpc(nameOf(method));
  const answer = async (message: Message | Malformed, context: CallContext, trace: CallTrace) => {
    const observed = new ObservedCall(deps, method, context, trace);
    try {
      const principal = await authenticate(deps, observed);
      const request = accept(method.input, validate, message);
      const { deadline } = context;
      const response = create(method.output, await handler(request, { principal, deadline, context, trace }));
      observed.done();
      return response;
    } catch (thrown) {
      throw observed.failed(thrown);
    }
  };
  const call = (message: Message | Malformed, context: CallContext) => {
    const trace = begin(context);
    return trace.run(() => answer(message, context, trace));
  };
  return { kind: "unary", method, call, ...sized(method.output, bytesOf) };
}

export function createServerStreaming<Input extends DescMessage, Output extends DescMessage>(
  deps: PipelineDeps,
  method: DescMethodServerStreaming<Input, Output>,
  rules: Rules<MessageShape<Input>>,
  handler: StreamHandler<Input, Output>,
  bytesOf?: BytesOf<Output>,
): Endpoint {
  const validate = createValidate(method.input, rules);
  const begin = deps.tracing.rpc(nameOf(method));
  async function* answers(
    message: Message | Malformed,
    context: CallContext,
    trace: CallTrace,
  ): AsyncGenerator<Message, void, undefined> {
    const observed = new ObservedCall(deps, method, context, trace);
    try {
      const principal = await authenticate(deps, observed);
      const request = accept(method.input, validate, message);
      const call = { principal, deadline: context.deadline, context, trace };
      for await (const response of handler(request, call)) yield create(method.output, response);
      observed.done();
    } catch (thrown) {
      throw observed.failed(thrown);
    } finally {
      observed.abandoned();
    }
  }
  const call = (message: Message | Malformed, context: CallContext) => {
    const trace = begin(context);
    return trace.each(answers(message, context, trace));
  };
  return { kind: "server_streaming", method, call, ...sized(method.output, bytesOf) };
}

function sized<Output extends DescMessage>(output: Output, bytesOf?: BytesOf<Output>): Pick<Endpoint, "bytesOf"> {
  return bytesOf === undefined ? {} : { bytesOf: (answer) => (isMessage(answer, output) ? bytesOf(answer) : 0) };
}

function authenticate({ authenticator }: PipelineDeps, { startedMs, context }: ObservedCall): Promise<Principal> {
  const { deadline } = context;
  if (startedMs >= deadline) throw new Fault("DEADLINE_EXCEEDED", "the deadline had passed at arrival");
  return authenticator.authenticate(context, deadline);
}

function accept<Input extends DescMessage>(
  input: Input,
  validate: Validate<Input>,
  message: Message | Malformed,
): MessageShape<Input> {
  if (message instanceof Malformed) throw malformed(input, message);
  if (!isMessage(message, input)) throw new Error(`bug: a ${message.$typeName} where a ${input.typeName} belongs`);
  validate(message);
  return message;
}

function nameOf({ parent, name }: Endpoint["method"]): string {
  return `${parent.typeName}/${name}`;
}

/** A class, for there is one with each call: what it does is shared. */
class ObservedCall {
  readonly startedMs: number;
  readonly context: CallContext;
  readonly #deps: PipelineDeps;
  readonly #method: Endpoint["method"];
  readonly #trace: CallTrace;
  #isOpen = true;

  constructor(deps: PipelineDeps, method: Endpoint["method"], context: CallContext, trace: CallTrace) {
    this.startedMs = deps.clock.monotonicMs();
    this.context = context;
    this.#deps = deps;
    this.#method = method;
    this.#trace = trace;
    deps.observer.started(method, context);
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

  #close(code: Code, error?: RpcError): void {
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
