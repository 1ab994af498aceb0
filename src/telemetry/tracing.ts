import {
  type Attributes,
  type Context,
  context,
  isSpanContextValid,
  type Link,
  propagation,
  ROOT_CONTEXT,
  type Span,
  SpanKind,
  type SpanOptions,
  SpanStatusCode,
  type TextMapGetter,
  trace,
} from "@opentelemetry/api";
import { type CallTrace, type Incoming, UntracedCall } from "./call-trace.ts";
import { idsOf, readTraceparent, writeTraceparent } from "./traceparent.ts";

/** A span that something is recorded of. */
export type RecordedSpan = Span;

/** What travels in a batch: the span of the call that it came from, if anything is recorded of that. */
export interface Carried {
  readonly span: RecordedSpan | null;
}

/**
 * Spans for calls, batches and statements, by whatever OpenTelemetry SDK the process was started with. Without one, or
 * where its sampler says no, all of this comes down to a look at the active context.
 *
 * No span names a key, a tenant or anything that a caller sent, nor the text of an error: only what kind it was.
 */
export interface Tracing {
  /** @param name of the method, as holdfast.v1.IdempotencyService/Claim */
  rpc(name: string): (incoming: Incoming) => CallTrace;
  /** Of the call that this code runs for; null when nothing is recorded of it. */
  current(): RecordedSpan | null;
  /**
   * One batch, as a span below the first call that it carries; the other calls and the batch are linked both ways. So it
   * is recorded if one of its calls is, and a call that travels alone has all of its trace in one tree.
   */
  batch<T>(statement: string, carried: readonly Carried[], run: () => Promise<T>): Promise<T>;
  /** One statement, below the span that is active. @param name that of its .sql file */
  statement<T>(name: string, run: () => Promise<T>): Promise<T>;
  /** Runs what outlives the call that has set it going. */
  detached<T>(run: () => T): T;
  /** The function, to run later on behalf of whoever is active now. */
  bound<F extends (...args: never[]) => unknown>(later: F): F;
}

/** For who traces nothing. What a caller says of its own trace is kept all the same. */
export const noTracing: Tracing = {
  rpc: () => (incoming) => new UntracedCall(incoming),
  current: () => null,
  batch: (_statement, _carried, run) => run(),
  statement: (_name, run) => run(),
  detached: (run) => run(),
  bound: (later) => later,
};

/** A batch carries up to 256 calls; more than this nobody reads, and 128 is what SDKs keep of a span's links. */
const LINKS_MAX = 128;

/** The codes that are the server's fault, by the semantic conventions for gRPC; other refusals are the caller's affair. */
const SERVER_FAULTS: ReadonlySet<string> = new Set([
  ...["UNKNOWN", "DEADLINE_EXCEEDED", "UNIMPLEMENTED", "INTERNAL", "UNAVAILABLE", "DATA_LOSS"],
]);

const GETTER: TextMapGetter<Incoming> = {
  get: (incoming, name) => incoming.metadata(name),
  // Who asks for all of them cannot be served; no propagator of the SDK does.
  keys: () => [],
};

/** Spans of the SDK that is registered with the api, now or later. */
export function createTracing(version: string): Tracing {
  const tracer = trace.getTracer("holdfast", version);

  return {
    rpc(name) {
      const options = (system: string): SpanOptions => ({
        kind: SpanKind.SERVER,
        attributes: { "rpc.system.name": system, "rpc.method": name },
      });
      // Made once: a call without an SDK then makes nothing but the span that is none.
      const over = { grpc: options("grpc"), http: options("connectrpc") };
      return (incoming) => {
        const active = context.active();
        // Where the transport is instrumented too, its span has read the headers already.
        const parent = withoutBaggage(
          trace.getSpan(active) === undefined ? propagation.extract(active, incoming, GETTER) : active,
        );
        const span = tracer.startSpan(name, over[incoming.transport], parent);
        if (!isSpanContextValid(span.spanContext())) return new UntracedCall(incoming);
        return new TracedCall(incoming, span, trace.setSpan(parent, span));
      };
    },

    current() {
      const span = trace.getActiveSpan();
      return span?.isRecording() ? span : null;
    },

    batch(statement, carried, run) {
      const spans = carried.flatMap(({ span }) => (span?.isRecording() ? [span] : []));
      const [first, ...others] = spans;
      if (first === undefined) return run();
      const linked = others.slice(0, LINKS_MAX);
      const links = linked.map((span): Link => ({ context: span.spanContext() }));
      const attributes = { "holdfast.batch.rows": carried.length, "holdfast.batch.traced": spans.length };
      const parent = trace.setSpan(ROOT_CONTEXT, first);
      const span = tracer.startSpan(`holdfast.batch ${statement}`, { attributes, links }, parent);
      for (const call of linked) call.addLink({ context: span.spanContext() });
      return under(span, parent, run);
    },

    statement(name, run) {
      const active = context.active();
      if (!trace.getSpan(active)?.isRecording()) return run();
      const attributes = {
        "db.system.name": "postgresql",
        "db.operation.name": name,
        "db.query.summary": `holdfast ${name}`,
      };
      return under(tracer.startSpan(`holdfast ${name}`, { kind: SpanKind.CLIENT, attributes }, active), active, run);
    },

    detached: (run) => context.with(ROOT_CONTEXT, run),
    bound: (later) => context.bind(context.active(), later),
  };
}

/** A class, for there is one with each call: what it does is shared. */
class TracedCall implements CallTrace {
  readonly #incoming: Incoming;
  readonly #span: Span;
  readonly #context: Context;

  constructor(incoming: Incoming, span: Span, own: Context) {
    this.#incoming = incoming;
    this.#span = span;
    this.#context = own;
  }

  get isRecorded(): boolean {
    return this.#span.isRecording();
  }

  get traceparent(): string | null {
    const sent = readTraceparent(this.#incoming.metadata("traceparent"));
    if (sent !== null || !this.#span.isRecording()) return sent;
    return writeTraceparent(this.#span.spanContext());
  }

  get traceId(): string | null {
    return this.#span.spanContext().traceId;
  }

  run<T>(work: () => T): T {
    return context.with(this.#context, work);
  }

  each<T>(messages: AsyncGenerator<T, void, undefined>): AsyncIterable<T> {
    // A generator goes on in the context of whoever asks for more, not in the one that it was made in.
    const own = this.#context;
    const iterator: AsyncIterator<T, void, undefined> = {
      next: () => context.with(own, () => messages.next()),
      return: () => context.with(own, () => messages.return()),
      throw: (error) => context.with(own, () => messages.throw(error)),
    };
    return { [Symbol.asyncIterator]: () => iterator };
  }

  note(attributes: Attributes): void {
    this.#span.setAttributes(attributes);
  }

  event(name: string): void {
    this.#span.addEvent(name);
  }

  link(traceparent: string, attributes: Attributes): void {
    this.#span.addLink({ context: { ...idsOf(traceparent), isRemote: true }, attributes });
  }

  end(code: string, reason: string | null): void {
    const span = this.#span;
    span.setAttribute("rpc.status_code", code);
    if (reason !== null) span.setAttribute("holdfast.error.reason", reason);
    if (SERVER_FAULTS.has(code)) {
      span.setAttribute("error.type", code);
      span.setStatus({ code: SpanStatusCode.ERROR });
    }
    span.end();
  }
}

/**
 * What a caller tells those it calls is not for those whom we ask on the way, validators and issuers of tokens: whoever
 * instruments `fetch` would hand it on to them.
 */
function withoutBaggage(given: Context): Context {
  return propagation.getBaggage(given) === undefined ? given : propagation.deleteBaggage(given);
}

/** Ends the span with what became of the work. Of an error, its kind alone: a text may quote what a caller sent. */
async function under<T>(span: Span, parent: Context, work: () => Promise<T>): Promise<T> {
  try {
    return await context.with(trace.setSpan(parent, span), work);
  } catch (error) {
    const state = sqlstateOf(error);
    if (state !== null) span.setAttribute("db.response.status_code", state);
    span.setAttribute("error.type", state ?? (error instanceof Error ? error.name : "_OTHER"));
    span.setStatus({ code: SpanStatusCode.ERROR });
    throw error;
  } finally {
    span.end();
  }
}

/** Five characters, as Postgres has them; the codes of sockets are words. */
function sqlstateOf(error: unknown): string | null {
  const code = error instanceof Error && "code" in error ? error.code : null;
  return typeof code === "string" && /^[0-9A-Z]{5}$/.test(code) ? code : null;
}
