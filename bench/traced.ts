import { context, propagation, trace } from "@opentelemetry/api";
import { AsyncLocalStorageContextManager } from "@opentelemetry/context-async-hooks";
import { W3CTraceContextPropagator } from "@opentelemetry/core";
import {
  BasicTracerProvider,
  BatchSpanProcessor,
  ParentBasedSampler,
  TraceIdRatioBasedSampler,
} from "@opentelemetry/sdk-trace-base";
import { createTracing, noTracing, type Tracing } from "../src/telemetry/tracing.ts";

/** off: the code does not even ask · api: no SDK, as most run · some, all: an SDK that records 1 % of the calls, or all. */
export type Traced = "off" | "api" | "some" | "all";

/** Of this process, which has one SDK: what it records goes nowhere. */
export function tracingOf(traced: Traced): Tracing {
  if (traced === "off") return noTracing;
  if (traced !== "api") register(traced === "all" ? 1 : 0.01);
  return createTracing("bench");
}

function register(share: number): void {
  const nowhere = {
    export: (_: unknown, done: (result: { readonly code: 0 }) => void) => done({ code: 0 }),
    shutdown: async () => undefined,
  };
  const provider = new BasicTracerProvider({
    sampler: new ParentBasedSampler({ root: new TraceIdRatioBasedSampler(share) }),
    spanProcessors: [new BatchSpanProcessor(nowhere)],
  });
  trace.setGlobalTracerProvider(provider);
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  propagation.setGlobalPropagator(new W3CTraceContextPropagator());
}
