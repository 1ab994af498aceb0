import type { DescMethod } from "@bufbuild/protobuf";
import { type ContextValues, createContextValues, type Transport } from "@connectrpc/connect";
import {
  type Attributes,
  type Context,
  context,
  isSpanContextValid,
  propagation,
  type Span,
  SpanKind,
  SpanStatusCode,
  type TextMapSetter,
  trace,
} from "@opentelemetry/api";
import { Code, CodeSchema } from "../../gen/google/rpc/code_pb.ts";
import type { HeaderFields } from "./grpc-metadata.ts";
import { ROUTE_TAKEN, type Route } from "./route.ts";
import { toHoldfastError } from "./wire-error.ts";

/** Leads to the SDK that the process registers, whenever it does; without one every span is none. */
const tracer = trace.getTracer("holdfast-client");

const SETTER: TextMapSetter<Headers> = { set: (headers, name, value) => headers.set(name, value) };

/**
 * A span for each call, whose context goes with it in whatever headers the process's propagator writes. Where there is no
 * span there are no headers, and the call goes on as it came.
 */
export function traceTransport(transport: Transport): Transport {
  return {
    async unary(method, signal, timeoutMs, headers, input, values) {
      const call = beginCall(method, values);
      if (call === null) return await transport.unary(method, signal, timeoutMs, headers, input, values);
      try {
        const own = call.headers(headers);
        const answer = await call.run(() => transport.unary(method, signal, timeoutMs, own, input, call.values));
        call.done();
        return answer;
      } catch (error) {
        call.failed(error, signal);
        throw error;
      }
    },

    async stream(method, signal, timeoutMs, headers, input, values) {
      const call = beginCall(method, values);
      if (call === null) return await transport.stream(method, signal, timeoutMs, headers, input, values);
      try {
        const own = call.headers(headers);
        const answer = await call.run(() => transport.stream(method, signal, timeoutMs, own, input, call.values));
        return { ...answer, message: untilRead(answer.message, call, signal) };
      } catch (error) {
        call.failed(error, signal);
        throw error;
      }
    },
  };
}

/** Runs the work below a span of its own, which says how it ended. */
export async function inSpan<T>(
  name: string,
  attributes: Attributes,
  work: (note: (more: Attributes) => void) => T | Promise<T>,
): Promise<T> {
  const parent = context.active();
  const span = tracer.startSpan(name, { attributes }, parent);
  try {
    const note = (more: Attributes) => void span.setAttributes(more);
    return await within(span, parent, () => work(note));
  } catch (error) {
    // Never its text, which is the caller's and may quote what the work is about.
    span.setAttribute("error.type", error instanceof Error ? error.name : typeof error);
    span.setStatus({ code: SpanStatusCode.ERROR });
    throw error;
  } finally {
    span.end();
  }
}

interface TracedCall {
  /** So that the transport says which server it took. */
  readonly values: ContextValues;
  headers(given: HeaderFields): Headers;
  run<T>(send: () => T): T;
  /** The first of these three counts. */
  done(): void;
  failed(error: unknown, signal: AbortSignal | undefined): void;
  /** Its caller has no use for it any more, which is no error. */
  givenUp(): void;
}

/** Null where there is no span. */
function beginCall(method: DescMethod, given: ContextValues | undefined): TracedCall | null {
  const name = `${method.parent.typeName}/${method.name}`;
  const attributes = { "rpc.system.name": "grpc", "rpc.method": name };
  const parent = context.active();
  const span = tracer.startSpan(name, { kind: SpanKind.CLIENT, attributes }, parent);
  if (!isSpanContextValid(span.spanContext())) return null;
  const own = trace.setSpan(parent, span);
  const values = given ?? createContextValues();
  const route: Route = values.get(ROUTE_TAKEN) ?? { address: undefined };
  values.set(ROUTE_TAKEN, route);

  const end = (code: number) => {
    span.setAttributes({ "rpc.status_code": codeName(code), ...addressOf(route) });
    span.end();
  };
  const call: TracedCall = {
    values,
    headers(given) {
      const headers = new Headers(given);
      propagation.inject(own, headers, SETTER);
      return headers;
    },
    run: (send) => context.with(own, send),
    done: () => {
      if (span.isRecording()) end(Code.OK);
    },
    failed(error, signal) {
      if (signal?.aborted) return call.givenUp();
      if (!span.isRecording()) return;
      const { code, reason } = toHoldfastError(error);
      span.setAttribute("error.type", codeName(code ?? Code.UNKNOWN));
      if (reason !== "") span.setAttribute("holdfast.error.reason", reason);
      span.setStatus({ code: SpanStatusCode.ERROR });
      end(code ?? Code.UNKNOWN);
    },
    givenUp() {
      if (span.isRecording()) end(Code.CANCELLED);
    },
  };
  return call;
}

/** The stream's span ends with it, or when it is given up: then nobody may ever read on. */
function untilRead<T>(messages: AsyncIterable<T>, call: TracedCall, signal: AbortSignal | undefined): AsyncIterable<T> {
  signal?.addEventListener("abort", call.givenUp, { once: true });
  async function* read(): AsyncGenerator<T> {
    try {
      yield* messages;
      call.done();
    } catch (error) {
      call.failed(error, signal);
      throw error;
    } finally {
      call.givenUp();
      signal?.removeEventListener("abort", call.givenUp);
    }
  }
  return read();
}

function within<T>(span: Span, parent: Context, work: () => T): T {
  return isSpanContextValid(span.spanContext()) ? context.with(trace.setSpan(parent, span), work) : work();
}

function codeName(code: number): string {
  return CodeSchema.values.find(({ number }) => number === code)?.name ?? "UNKNOWN";
}

/** Nothing for a transport that does not say, nor for what is no host and port. */
function addressOf({ address }: Route): Attributes {
  const [, host, port] = /^\[?([^[\]/]+)\]?:(\d+)$/.exec(address ?? "") ?? [];
  return host === undefined ? {} : { "server.address": host, "server.port": Number(port) };
}
