import { context, propagation, SpanKind, SpanStatusCode, trace } from "@opentelemetry/api";
import { AsyncLocalStorageContextManager } from "@opentelemetry/context-async-hooks";
import { CompositePropagator, W3CBaggagePropagator, W3CTraceContextPropagator } from "@opentelemetry/core";
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  type ReadableSpan,
  type Sampler,
  SimpleSpanProcessor,
} from "@opentelemetry/sdk-trace-base";

/** The finished spans of this process, which has one SDK: for test files of their own. */
export interface Spans {
  all(): readonly ReadableSpan[];
  named(name: string): readonly ReadableSpan[];
  /** The only one of this name. */
  one(name: string): ReadableSpan;
  forget(): void;
}

/** Registers a real SDK with the api, which keeps what is recorded in memory. */
export function registerSpans(sampler?: Sampler): Spans {
  const exporter = new InMemorySpanExporter();
  const provider = new BasicTracerProvider({
    spanProcessors: [new SimpleSpanProcessor(exporter)],
    ...(sampler && { sampler }),
  });
  trace.setGlobalTracerProvider(provider);
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  // As SDKs have it by default.
  const propagators = [new W3CTraceContextPropagator(), new W3CBaggagePropagator()];
  propagation.setGlobalPropagator(new CompositePropagator({ propagators }));
  const named = (name: string) => exporter.getFinishedSpans().filter((span) => span.name === name);
  return {
    all: () => exporter.getFinishedSpans(),
    named,
    one(name) {
      const [span, ...others] = named(name);
      if (span === undefined || others.length > 0) {
        const names = exporter.getFinishedSpans().map((each) => each.name);
        throw new Error(`not one ${name} among ${names.join(", ")}`);
      }
      return span;
    },
    forget: () => exporter.reset(),
  };
}

/** What tests compare of a span. */
export function shown({ kind, status, attributes, events }: ReadableSpan) {
  return {
    kind: SpanKind[kind],
    status: SpanStatusCode[status.code],
    message: status.message,
    attributes,
    events: events.map(({ name }) => name),
  };
}

export function traceparentOf(span: ReadableSpan): string {
  const { traceId, spanId } = span.spanContext();
  return `00-${traceId}-${spanId}-01`;
}

/** Where its links lead, as "trace span". */
export function linksOf({ links }: ReadableSpan): readonly string[] {
  return links.map(({ context: { traceId, spanId } }) => `${traceId} ${spanId}`);
}

export function placeOf(span: ReadableSpan): string {
  const { traceId, spanId } = span.spanContext();
  return `${traceId} ${spanId}`;
}
