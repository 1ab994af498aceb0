// Preload it into a server, or into a program that uses the client: `node --import ./examples/tracing/telemetry.mjs …`
// Appends each finished span as a line of JSON to the file in TRACE_FILE. Put your collector's exporter in its place.
import { appendFileSync } from "node:fs";
import { context, propagation, trace } from "@opentelemetry/api";
import { AsyncLocalStorageContextManager } from "@opentelemetry/context-async-hooks";
import { W3CTraceContextPropagator } from "@opentelemetry/core";
import { BasicTracerProvider, BatchSpanProcessor } from "@opentelemetry/sdk-trace-base";

const file = process.env.TRACE_FILE ?? "traces.ndjson";

const exporter = {
  export(spans, done) {
    appendFileSync(file, spans.map((span) => `${JSON.stringify(lineOf(span))}\n`).join(""));
    // 0 is success.
    done({ code: 0 });
  },
  shutdown: async () => undefined,
};

function lineOf(span) {
  const ids = ({ traceId, spanId }) => ({ traceId, spanId });
  return {
    name: span.name,
    kind: ["INTERNAL", "SERVER", "CLIENT"][span.kind],
    ...ids(span.spanContext()),
    parentSpanId: span.parentSpanContext?.spanId,
    status: ["UNSET", "OK", "ERROR"][span.status.code],
    attributes: span.attributes,
    links: span.links.map(({ context, attributes }) => ({ ...ids(context), attributes })),
    events: span.events.map(({ name }) => name),
    scope: span.instrumentationScope.name,
  };
}

const provider = new BasicTracerProvider({ spanProcessors: [new BatchSpanProcessor(exporter)] });
trace.setGlobalTracerProvider(provider);
// Without it spans of one call do not find each other, and links between calls and batches are missing.
context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
// Without it no trace crosses the network.
propagation.setGlobalPropagator(new W3CTraceContextPropagator());

// Holdfast drains and lets the process end by itself; what is not exported by then goes out here.
process.once("beforeExit", () => provider.shutdown());
