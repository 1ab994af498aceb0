import { context, propagation, ROOT_CONTEXT, type Span, trace } from "@opentelemetry/api";
import { afterEach, describe, expect, test } from "vitest";
import type { Incoming } from "../../../src/telemetry/call-trace.ts";
import { createTracing } from "../../../src/telemetry/tracing.ts";
import { linksOf, placeOf, registerSpans, shown, traceparentOf } from "../../support/spans.ts";

const spans = registerSpans();
const tracing = createTracing("1.2.3");
afterEach(() => spans.forget());

const NAME = "holdfast.v1.IdempotencyService/Claim";
const CALLER = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

const incoming = (headers: Readonly<Record<string, string>> = {}, transport: Incoming["transport"] = "grpc") => ({
  metadata: (name: string) => headers[name],
  transport,
});
const begin = tracing.rpc(NAME);
/** Runs the work of calls that go on for as long as it does. */
async function during(count: number, work: (calls: readonly { readonly span: Span | null }[]) => Promise<unknown>) {
  const calls = Array.from({ length: count }, () => begin(incoming()));
  await work(calls.map((call) => call.run(() => ({ span: tracing.current() }))));
  for (const call of calls) call.end("OK", null);
}

describe("a call", () => {
  test("is a span of the server, below its caller's", () => {
    begin(incoming({ traceparent: CALLER, tracestate: "vendor=1,other=2" })).end("OK", null);
    const span = spans.one(NAME);
    expect(shown(span)).toEqual({
      ...{ kind: "SERVER", status: "UNSET", message: undefined, events: [] },
      attributes: { "rpc.system.name": "grpc", "rpc.method": NAME, "rpc.status_code": "OK" },
    });
    expect(span.parentSpanContext).toMatchObject({ traceId: CALLER.slice(3, 35), spanId: CALLER.slice(36, 52) });
    expect(span.spanContext().traceState?.serialize()).toBe("vendor=1,other=2");
    expect(span.instrumentationScope).toMatchObject({ name: "holdfast", version: "1.2.3" });
  });

  test("takes its place in the caller's trace and nothing else, so that whatever the server fetches for it tells nobody else", () => {
    const sent = () => {
      const headers: Record<string, string> = {};
      propagation.inject(context.active(), headers);
      return headers;
    };
    const baggage = "customer=secret";
    const call = begin(incoming({ traceparent: CALLER, tracestate: "vendor=1", baggage }));
    const headers = call.run(sent);
    call.end("OK", null);
    expect(headers).toEqual({ traceparent: traceparentOf(spans.one(NAME)), tracestate: "vendor=1" });

    // An instrumented transport has read the headers before us.
    spans.forget();
    const read = propagation.extract(ROOT_CONTEXT, { traceparent: CALLER, baggage });
    expect(context.with(read, sent)).toMatchObject({ baggage });
    const below = context.with(read, () => begin(incoming({ traceparent: CALLER, baggage })));
    expect(Object.keys(below.run(sent))).toEqual(["traceparent"]);
    below.end("OK", null);
    expect(spans.one(NAME).parentSpanContext).toMatchObject({ traceId: CALLER.slice(3, 35) });
  });

  test("over HTTP is one of Connect's", () => {
    begin(incoming({}, "http")).end("OK", null);
    expect(spans.one(NAME).attributes).toMatchObject({ "rpc.system.name": "connectrpc" });
  });

  test.each(["", "garbage", CALLER.toUpperCase(), CALLER.replace("4bf9", "zzzz"), `${CALLER},${CALLER}`])(
    "that says %j of its trace begins one of its own, and is told to go with that",
    (traceparent) => {
      const call = begin(incoming({ traceparent }));
      call.end("OK", null);
      const span = spans.one(NAME);
      expect(span.parentSpanContext).toBeUndefined();
      expect(call.traceId).toBe(span.spanContext().traceId);
    },
  );

  test("goes with what its caller sent, and without that with its own span", () => {
    expect(begin(incoming({ traceparent: CALLER })).traceparent).toBe(CALLER);
    const call = begin(incoming());
    const { traceparent } = call;
    call.end("OK", null);
    expect(traceparent).toBe(traceparentOf(spans.one(NAME)));
  });

  test.each(["UNKNOWN", "DEADLINE_EXCEEDED", "UNIMPLEMENTED", "INTERNAL", "UNAVAILABLE", "DATA_LOSS"])(
    "that ends with %s is an error",
    (code) => {
      begin(incoming()).end(code, "STORE_UNAVAILABLE");
      expect(shown(spans.one(NAME))).toMatchObject({
        status: "ERROR",
        message: undefined,
        attributes: {
          ...{ "rpc.status_code": code, "error.type": code },
          "holdfast.error.reason": "STORE_UNAVAILABLE",
        },
      });
    },
  );

  test.each(["CANCELLED", "INVALID_ARGUMENT", "NOT_FOUND", "ALREADY_EXISTS", "RESOURCE_EXHAUSTED", "ABORTED"])(
    "that ends with %s is no error of the server",
    (code) => {
      begin(incoming()).end(code, "FIELD_INVALID");
      const { status, attributes } = shown(spans.one(NAME));
      expect([status, attributes["rpc.status_code"], attributes["error.type"]]).toEqual(["UNSET", code, undefined]);
    },
  );

  test("has below it what its work begins, at once or later", async () => {
    const call = begin(incoming());
    await call.run(async () => {
      await Promise.resolve();
      trace.getTracer("theirs").startSpan("theirs").end();
    });
    call.end("OK", null);
    expect(spans.one("theirs").parentSpanContext?.spanId).toBe(spans.one(NAME).spanContext().spanId);
  });

  test("has below it what each step of a stream begins, whoever asks for it", async () => {
    const call = begin(incoming());
    let closed = 0;
    async function* steps() {
      try {
        for (let i = 0; ; i++) {
          trace.getTracer("theirs").startSpan(`step ${i}`).end();
          yield i;
        }
      } finally {
        closed++;
      }
    }
    const seen: number[] = [];
    for await (const step of call.each(steps())) if (seen.push(step) === 2) break;
    call.end("OK", null);
    expect([seen, closed]).toEqual([[0, 1], 1]);
    const { spanId } = spans.one(NAME).spanContext();
    expect(["step 0", "step 1"].map((name) => spans.one(name).parentSpanContext?.spanId)).toEqual([spanId, spanId]);
  });

  test("is below the transport's span where that is instrumented", () => {
    const transport = trace.getTracer("theirs").startSpan("POST", {}, ROOT_CONTEXT);
    context.with(trace.setSpan(ROOT_CONTEXT, transport), () =>
      begin(incoming({ traceparent: CALLER })).end("OK", null),
    );
    expect(spans.one(NAME).parentSpanContext?.spanId).toBe(transport.spanContext().spanId);
  });
});

describe("a batch", () => {
  test("is below its first call, and linked both ways with the others", async () => {
    await during(3, (carried) => tracing.batch("claim", [...carried, { span: null }], async () => undefined));
    const batch = spans.one("holdfast.batch claim");
    const [first, ...others] = spans.named(NAME);
    expect(batch.parentSpanContext?.spanId).toBe(first?.spanContext().spanId);
    expect(linksOf(batch)).toEqual(others.map(placeOf));
    expect(spans.named(NAME).map(linksOf)).toEqual([[], [placeOf(batch)], [placeOf(batch)]]);
    expect(shown(batch)).toMatchObject({
      ...{ kind: "INTERNAL", status: "UNSET" },
      attributes: { "holdfast.batch.rows": 4, "holdfast.batch.traced": 3 },
    });
  });

  test("has at most 128 links", async () => {
    await during(200, (carried) => tracing.batch("claim", carried, async () => undefined));
    expect(spans.one("holdfast.batch claim").links).toHaveLength(128);
    expect(spans.one("holdfast.batch claim").droppedLinksCount).toBe(0);
  });

  test("without a recorded call is none, nor are its statements, nor with one that is over", async () => {
    const over = { span: null as Span | null };
    await during(1, async ([call]) => void Object.assign(over, call));
    spans.forget();
    const run = () => tracing.statement("claim", async () => tracing.current());
    expect(await tracing.batch("claim", [{ span: null }, over], run)).toBeNull();
    expect(spans.all()).toEqual([]);
  });

  test("says of a failure what kind it was, and nothing of its text", async () => {
    const error = Object.assign(new Error("duplicate key (evt_1)"), { code: "23505" });
    const run = () => tracing.statement("claim", () => Promise.reject(error));
    await during(1, (carried) => expect(tracing.batch("claim", carried, run)).rejects.toBe(error));
    for (const name of ["holdfast.batch claim", "holdfast claim"]) {
      const span = spans.one(name);
      expect(shown(span)).toMatchObject({
        ...{ status: "ERROR", message: undefined, events: [] },
        attributes: { "db.response.status_code": "23505", "error.type": "23505" },
      });
      expect(JSON.stringify([span.attributes, span.status, span.events])).not.toContain("evt_1");
    }
  });

  test("that lost its connection says so by the error's name", async () => {
    const lost = Object.assign(new Error("x"), { name: "ConnectionLost", code: "ECONNRESET" });
    await during(1, (carried) =>
      expect(tracing.batch("claim", carried, () => Promise.reject(lost))).rejects.toBe(lost),
    );
    const { attributes } = spans.one("holdfast.batch claim");
    expect([attributes["error.type"], attributes["db.response.status_code"]]).toEqual(["ConnectionLost", undefined]);
  });
});

test("a statement is a span of a database client, below the batch", async () => {
  const run = () => tracing.statement("claim", async () => "rows");
  await during(1, async (carried) => expect(await tracing.batch("claim", carried, run)).toBe("rows"));
  const statement = spans.one("holdfast claim");
  expect(shown(statement)).toMatchObject({
    ...{ kind: "CLIENT", status: "UNSET" },
    attributes: {
      ...{ "db.system.name": "postgresql", "db.operation.name": "claim", "db.query.summary": "holdfast claim" },
    },
  });
  expect(statement.parentSpanContext?.spanId).toBe(spans.one("holdfast.batch claim").spanContext().spanId);
});

test("what outlives a call is not below it, and what is bound is, whoever runs it", async () => {
  const [one, other] = [begin(incoming()), begin(incoming())];
  const bound = one.run(() => tracing.bound(() => tracing.current()));
  expect(other.run(bound)).toBe(one.run(() => tracing.current()));
  expect(one.run(() => tracing.detached(() => tracing.current()))).toBeNull();
});
