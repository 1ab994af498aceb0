// Preload: appends all there is of each finished span to the file in TRACE_FILE, whatever an exporter would leave out.
import { appendFileSync } from "node:fs";
import { context, propagation, trace } from "@opentelemetry/api";
import { AsyncLocalStorageContextManager } from "@opentelemetry/context-async-hooks";
import { W3CTraceContextPropagator } from "@opentelemetry/core";
import { BasicTracerProvider } from "@opentelemetry/sdk-trace-base";

const recorder = {
  onStart() {},
  onEnd({ name, status, attributes, events, links, resource }) {
    const whole = { name, status, attributes, events, links, resource: resource.attributes };
    appendFileSync(process.env.TRACE_FILE, `${JSON.stringify(whole)}\n`);
  },
  forceFlush: async () => undefined,
  shutdown: async () => undefined,
};

trace.setGlobalTracerProvider(new BasicTracerProvider({ spanProcessors: [recorder] }));
context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
propagation.setGlobalPropagator(new W3CTraceContextPropagator());
