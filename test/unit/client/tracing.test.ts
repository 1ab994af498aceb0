import { type Span, trace } from "@opentelemetry/api";
import { afterEach, describe, expect, test } from "vitest";
import { type Holdfast, terminal } from "../../../src/client/client.ts";
import { Fault } from "../../../src/domain/fault.ts";
import { createTracing } from "../../../src/telemetry/tracing.ts";
import { linksOf, placeOf, registerSpans, shown } from "../../support/spans.ts";
import { createFakeServer, loseAnswers, unavailable } from "./fake-server.ts";
import { settle } from "./manual-clock.ts";

const spans = registerSpans();
afterEach(() => spans.forget());

const job = { scope: "charge", key: "c4n4ry-key", input: { card: "c4n4ry-input" } } as const;
const rpc = (method: string) => `holdfast.v1.IdempotencyService/${method}`;
const theirs = trace.getTracer("theirs");

function start() {
  const server = createFakeServer(createTracing("test"));
  return { server, clock: server.clock, holdfast: server.client() };
}
/** Of one side: a call has a span here and one at the server. */
const ofClient = (name: string) =>
  spans.named(name).filter(({ instrumentationScope: { name } }) => name.endsWith("client"));
const parentOf = (name: string) => spans.one(name).parentSpanContext?.spanId;
const spanIdOf = (name: string) => spans.one(name).spanContext().spanId;
/** A span of the program that uses the client. */
const within = <T>(work: (own: Span) => Promise<T>) =>
  theirs.startActiveSpan("request", (own) => work(own).finally(() => own.end()));

describe("once", () => {
  test("is one trace with what the program does, from its request to the server's claim", async () => {
    const { holdfast } = start();
    await within(() =>
      holdfast.once(job, async () => {
        theirs.startSpan("charge").end();
        return "done";
      }),
    );
    expect(new Set(spans.all().map((span) => span.spanContext().traceId)).size).toBe(1);
    expect(parentOf("holdfast.once")).toBe(spanIdOf("request"));
    expect(parentOf("holdfast.work")).toBe(spanIdOf("holdfast.once"));
    expect(parentOf("charge")).toBe(spanIdOf("holdfast.work"));
    for (const method of ["Claim", "Complete"]) {
      const [own, server] = [...ofClient(rpc(method)), ...spans.named(rpc(method)).filter(({ kind }) => kind === 1)];
      expect(own?.parentSpanContext?.spanId).toBe(spanIdOf("holdfast.once"));
      expect(server?.parentSpanContext?.spanId).toBe(own?.spanContext().spanId);
    }
  });

  test("says what it did", async () => {
    const { holdfast } = start();
    await holdfast.once(job, () => "done");
    expect(shown(spans.one("holdfast.once"))).toEqual({
      ...{ kind: "INTERNAL", status: "UNSET", message: undefined, events: [] },
      attributes: { "holdfast.scope": "charge", "holdfast.replayed": false, "holdfast.attempt": 1 },
    });
    expect(spans.one("holdfast.work").attributes).toEqual({ "holdfast.attempt": 1, "holdfast.claim.reason": "new" });
    const [claim] = ofClient(rpc("Claim"));
    expect(claim && shown(claim)).toEqual({
      ...{ kind: "CLIENT", status: "UNSET", message: undefined, events: [] },
      attributes: { "rpc.system.name": "grpc", "rpc.method": rpc("Claim"), "rpc.status_code": "OK" },
    });
  });

  test("says that it ran without protection", async () => {
    const { server, clock, holdfast } = start();
    server.meddle = () => Promise.reject(unavailable());
    await clock.until(holdfast.once({ ...job, whenUnavailable: "fail-open" }, () => "done"));
    const attributes = { "holdfast.replayed": false, "holdfast.attempt": 0, "holdfast.protected": false };
    expect(spans.one("holdfast.once").attributes).toEqual({ "holdfast.scope": "charge", ...attributes });
  });

  test("that is a replay leads to the claim that began the work", async () => {
    const { holdfast } = start();
    await holdfast.once(job, () => "done");
    const [executing] = ofClient(rpc("Claim"));
    if (executing === undefined) throw new Error("no claim");
    spans.forget();
    await holdfast.once(job, () => "again");
    expect(spans.one("holdfast.once").attributes["holdfast.replayed"]).toBe(true);
    const replay = spans.named(rpc("Claim")).find(({ kind }) => kind === 1);
    expect(replay && linksOf(replay)).toEqual([placeOf(executing)]);
    expect(spans.named("holdfast.work")).toEqual([]);
  });

  test("whose work fails is an error, without its words", async () => {
    const { holdfast } = start();
    const broken = new RangeError("card c4n4ry-error");
    await expect(holdfast.once(job, () => Promise.reject(terminal(broken)))).rejects.toBe(broken);
    expect(shown(spans.one("holdfast.work"))).toMatchObject({ status: "ERROR", message: undefined, events: [] });
    expect(shown(spans.one("holdfast.once"))).toMatchObject({
      ...{ status: "ERROR", message: undefined, attributes: { "error.type": "RangeError" } },
    });
  });
});

describe("a call", () => {
  test("that is sent again is a span for each time, and the first is an error", async () => {
    const { holdfast, server, clock } = start();
    server.meddle = loseAnswers("claim", 1);
    await clock.until(holdfast.once(job, () => "done"));
    const [lost, answered] = ofClient(rpc("Claim"));
    expect([lost?.attributes["rpc.status_code"], answered?.attributes["rpc.status_code"]]).toEqual([
      "UNAVAILABLE",
      "OK",
    ]);
    expect(lost && shown(lost)).toMatchObject({ status: "ERROR", attributes: { "error.type": "UNAVAILABLE" } });
    expect(spans.one("holdfast.once").attributes).toMatchObject({ "holdfast.replayed": false });
  });

  test("that the server refuses is an error with its reason", async () => {
    const { holdfast, server } = start();
    server.meddle = () => server.refuse(new Fault("TENANT_DISABLED", "no"));
    await expect(holdfast.once(job, () => "done")).rejects.toThrow("TENANT_DISABLED");
    expect(spans.one(rpc("Claim")).attributes).toMatchObject({
      ...{ "rpc.status_code": "FAILED_PRECONDITION", "holdfast.error.reason": "TENANT_DISABLED" },
    });
  });

  test("that is given up is none", async () => {
    const { holdfast, clock } = start();
    const gone = new AbortController();
    const holding = holdfast.once(job, () => clock.sleep(5_000, new AbortController().signal));
    await settle();
    spans.forget();
    const waiting = holdfast.once({ ...job, signal: gone.signal }, () => "never");
    await settle();
    gone.abort(new Error("no patience"));
    await expect(waiting).rejects.toThrow("no patience");
    const [givenUp] = ofClient(rpc("Claim"));
    expect(givenUp && shown(givenUp)).toMatchObject({
      ...{ status: "UNSET", attributes: { "rpc.status_code": "CANCELLED" } },
    });
    await clock.until(holding);
  });
});

describe("a stream", () => {
  const read = async (holdfast: Holdfast, stopAt: string) => {
    for await (const { kind } of holdfast.waitFor([{ scope: job.scope, key: job.key }])) if (kind === stopAt) break;
  };

  test("is a span until its end is told", async () => {
    const { holdfast } = start();
    await holdfast.once(job, () => "done");
    await read(holdfast, "none");
    await settle();
    const [stream] = ofClient(rpc("WaitFor"));
    expect(stream && shown(stream)).toMatchObject({ kind: "CLIENT", status: "UNSET" });
  });

  test("that is not read any more has ended", async () => {
    const { holdfast } = start();
    await read(holdfast, "snapshot");
    const [stream] = ofClient(rpc("WaitFor"));
    expect(stream && shown(stream)).toMatchObject({
      ...{ status: "UNSET", attributes: { "rpc.status_code": "CANCELLED" } },
    });
  });
});

test("reconciling is a span, and its judge another one below", async () => {
  const { holdfast } = start();
  const unknown = { ...job, onLeaseExpiry: "hold" } as const;
  await holdfast.once(unknown, () => Promise.reject(new Error("x"))).catch(() => undefined);
  spans.forget();
  await holdfast.reconcile(job, async () => ({ done: "charged" }));
  expect(spans.one("holdfast.reconcile").attributes).toEqual({
    ...{ "holdfast.scope": "charge", "holdfast.reconciled": "settled" },
  });
  expect(parentOf("holdfast.judge")).toBe(spanIdOf("holdfast.reconcile"));
});

test("no span names the key, the input or the result", async () => {
  const { holdfast } = start();
  await holdfast.once({ ...job, metadata: { "c4n4ry-name": "c4n4ry-value" } }, () => "c4n4ry-result");
  await holdfast.once(job, () => "never");
  await expect(holdfast.once({ ...job, input: "c4n4ry-other" }, () => "never")).rejects.toThrow();
  const said = spans.all().map(({ name, attributes, events, status }) => ({ name, attributes, events, status }));
  expect(said.length).toBeGreaterThan(8);
  expect(JSON.stringify(said)).not.toContain("c4n4ry");
});
