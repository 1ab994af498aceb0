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
import type { Authenticator, Principal } from "../auth/authenticator.ts";
import type { Clock } from "../clock.ts";
import { Fault } from "../domain/fault.ts";
import type { CallTrace } from "../telemetry/call-trace.ts";
import type { Tracing } from "../telemetry/tracing.ts";
import { type CallContext, type Endpoint, Malformed } from "./endpoint.ts";
import { malformed } from "./malformed.ts";
import { ObservedCall } from "./observed-call.ts";
import { ObservedStream } from "./observed-stream.ts";
import type { RpcObserver } from "./observer.ts";
import type { Rules } from "./rules.ts";
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
  /** A function of its own: one that awaits keeps its variables, and a claim that waits has no more use for its request. */
  const handle = (observed: ObservedCall, principal: Principal) =>
    handler(accept(method.input, validate, observed.takeMessage()), observed.callOf(principal));
  const answer = async (observed: ObservedCall) => {
    try {
      const principal = await authenticate(deps, observed);
      const response = create(method.output, await handle(observed, principal));
      observed.done();
      return response;
    } catch (thrown) {
      throw observed.failed(thrown);
    }
  };
  const call = (message: Message | Malformed, context: CallContext) => {
    const trace = begin(context);
    return trace.run(() => answer(new ObservedCall(deps, { method, message, context, trace })));
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
  const source = {
    async open(observed: ObservedCall) {
      const principal = await authenticate(deps, observed);
      const request = accept(method.input, validate, observed.takeMessage());
      return handler(request, observed.callOf(principal))[Symbol.asyncIterator]();
    },
    toMessage: (response: MessageInitShape<Output>): Message => create(method.output, response),
  };
  const call = (message: Message | Malformed, context: CallContext) => {
    const trace = begin(context);
    return trace.each(new ObservedStream(new ObservedCall(deps, { method, message, context, trace }), source));
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
