import { create } from "@bufbuild/protobuf";
import { afterEach, describe, expect, test } from "vitest";
import { ClaimIntent, FailKind, WaitForRequestSchema } from "../../../gen/holdfast/v1/idempotency_pb.ts";
import { Fault } from "../../../src/domain/fault.ts";
import { idsOf } from "../../../src/telemetry/traceparent.ts";
import { createTracing } from "../../../src/telemetry/tracing.ts";
import { linksOf, placeOf, registerSpans, shown, traceparentOf } from "../../support/spans.ts";
import {
  acquire,
  type Bundle,
  bundle,
  claimOf,
  HOLD,
  KEY,
  methods,
  quietContext,
  resultOf,
  seconds,
} from "./bundle.ts";

const spans = registerSpans();
afterEach(() => spans.forget());

const CLAIM = "holdfast.v1.IdempotencyService/Claim";
const CALLER = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
const CALLER_PLACE = "4bf92f3577b34da6a3ce929d0e0e4736 00f067aa0ba902b7";

const sent = { metadata: (name: string) => (name === "traceparent" ? CALLER : undefined) };
const open = (options: Parameters<typeof bundle>[0] = {}) => bundle({ ...options, tracing: createTracing("test") });
/** Begins the attempt that the caller's trace executes, and forgets its span. */
async function begin(own: Bundle, more = {}) {
  const { detail } = await own.call(methods.claim, claimOf(more), sent);
  if (detail.case !== "acquired" || detail.value.lease?.handle === undefined) throw new Error("not acquired");
  spans.forget();
  return detail.value.lease.handle;
}
const claimSpan = () => spans.one(CLAIM);

describe("a claim's span", () => {
  test("says that it acquired, and why", async () => {
    await open().call(methods.claim, claimOf(), sent);
    expect(shown(claimSpan())).toMatchObject({
      status: "UNSET",
      attributes: {
        ...{ "rpc.status_code": "OK", "rpc.method": CLAIM },
        ...{ "holdfast.claim.outcome": "acquired", "holdfast.claim.reason": "new", "holdfast.attempt": 1 },
      },
    });
    expect([claimSpan().spanContext().traceId, linksOf(claimSpan())]).toEqual([idsOf(CALLER).traceId, []]);
  });

  test.each<[string, string, (own: Bundle) => Promise<unknown>]>([
    ["in-progress", "of the holder", (own) => begin(own)],
    [
      "completed",
      "that did it",
      async (own) => own.call(methods.complete, { handle: await begin(own), result: resultOf("done") }),
    ],
    [
      "failed",
      "that failed",
      async (own) => own.call(methods.fail, { handle: await begin(own), kind: FailKind.TERMINAL }),
    ],
    [
      "retry-scheduled",
      "that is to be repeated",
      async (own) => own.call(methods.fail, { handle: await begin(own), kind: FailKind.RETRYABLE, delay: seconds(60) }),
    ],
    [
      "outcome-unknown",
      "that nobody knows of",
      async (own) => {
        await begin(own, HOLD);
        own.pass(31_000);
      },
    ],
  ])("that is told %s leads to the attempt %s", async (outcome, _, prepare) => {
    const own = open();
    await prepare(own);
    spans.forget();
    await own.call(methods.claim, claimOf());
    expect(claimSpan().attributes).toMatchObject({ "holdfast.claim.outcome": outcome, "holdfast.attempt": 1 });
    expect(linksOf(claimSpan())).toEqual([CALLER_PLACE]);
    expect(claimSpan().links[0]?.attributes).toEqual({ "holdfast.attempt": 1 });
  });

  test("of a repeated claim leads to the first, and that of a reconciler to the suspect", async () => {
    const own = open();
    const first = claimOf(HOLD);
    await own.call(methods.claim, first, sent);
    spans.forget();
    await own.call(methods.claim, first);
    expect(claimSpan().attributes["holdfast.claim.reason"]).toBe("reattached");
    expect(linksOf(claimSpan())).toEqual([CALLER_PLACE]);
    own.pass(31_000);
    spans.forget();
    await own.call(methods.claim, claimOf({ intent: ClaimIntent.RECONCILE }));
    expect(claimSpan().attributes["holdfast.claim.reason"]).toBe("reconcile");
    expect(linksOf(claimSpan())).toEqual([CALLER_PLACE]);
  });

  test("leads nowhere once the record has expired", async () => {
    const own = open();
    const handle = await begin(own, { policy: { resultRetention: seconds(60) } });
    await own.call(methods.complete, { handle, result: resultOf("done") });
    own.pass(61_000);
    await own.call(methods.claim, claimOf());
    expect(claimSpan().attributes["holdfast.claim.outcome"]).toBe("expired");
    expect(linksOf(claimSpan())).toEqual([]);
  });

  test("is what its attempt is stored with, where the caller has no trace", async () => {
    const own = open();
    await acquire(own);
    const executing = traceparentOf(claimSpan());
    expect((await own.call(methods.getRecord, { key: KEY })).record?.traceparent).toBe(executing);
    await own.call(methods.claim, claimOf());
    const [first, second] = spans.named(CLAIM);
    if (first === undefined || second === undefined) throw new Error("two claims");
    expect(linksOf(second)).toEqual([placeOf(first)]);
  });

  test("that is refused says why, and is no error of the server", async () => {
    await open().failure(methods.claim, {});
    expect(shown(claimSpan())).toMatchObject({
      status: "UNSET",
      attributes: { "rpc.status_code": "INVALID_ARGUMENT", "holdfast.error.reason": "FIELD_INVALID" },
    });
  });

  test("that the store does not answer is an error, without the words of it", async () => {
    const claim = () => Promise.reject(new Fault("STORE_UNAVAILABLE", "the store evt_1 does not answer"));
    await open({ store: { ...bundle().store, claim } }).failure(methods.claim, claimOf());
    expect(shown(claimSpan())).toMatchObject({
      ...{ status: "ERROR", message: undefined, events: [] },
      attributes: { "rpc.status_code": "UNAVAILABLE", "error.type": "UNAVAILABLE" },
    });
  });
});

test("nothing that a caller sent is in any span", async () => {
  const own = open();
  const canary = { tenant: "c4n4ry-tenant", scope: "c4n4ry-scope", key: "c4n4ry-key" };
  const more = { metadata: { "c4n4ry-name": "c4n4ry-value" }, externalRef: "c4n4ry-ref", owner: { service: "c4n4ry" } };
  await own.failure(methods.claim, claimOf({ ...more, key: canary }));
  const { handle } = await acquire(own, { ...more, key: { ...canary, tenant: "" } });
  await own.call(methods.complete, { handle, result: resultOf("c4n4ry-result") });
  await own.call(methods.claim, claimOf({ ...more, key: { ...canary, tenant: "" } }));
  const said = spans.all().map(({ name, attributes, events, links, status }) => ({
    ...{ name, attributes, events, status },
    links: links.map((link) => link.attributes),
  }));
  expect(said).toHaveLength(4);
  expect(JSON.stringify(said)).not.toContain("c4n4ry");
});

test("a WaitFor is one span, with an event for each message, and leads to the attempts that have ended", async () => {
  const own = open();
  const handle = await begin(own);
  await own.call(methods.complete, { handle, result: resultOf("done") });
  const endpoint = own.endpoints.find(({ kind }) => kind === "server_streaming");
  if (endpoint?.kind !== "server_streaming") throw new Error("no WaitFor");
  const request = create(WaitForRequestSchema, { targets: [{ key: KEY }] });
  for await (const _ of endpoint.call(request, quietContext()));
  const span = spans.one("holdfast.v1.IdempotencyService/WaitFor");
  expect(shown(span)).toMatchObject({
    ...{ kind: "SERVER", status: "UNSET", attributes: { "rpc.status_code": "OK" } },
    events: ["holdfast.snapshot", "holdfast.ended", "holdfast.finish"],
  });
  expect(linksOf(span)).toEqual([CALLER_PLACE]);
});

test("a WaitFor whose reader goes away has ended all the same", async () => {
  const own = open();
  await begin(own);
  const endpoint = own.endpoints.find(({ kind }) => kind === "server_streaming");
  if (endpoint?.kind !== "server_streaming") throw new Error("no WaitFor");
  for await (const _ of endpoint.call(create(WaitForRequestSchema, { targets: [{ key: KEY }] }), quietContext())) break;
  expect(shown(spans.one("holdfast.v1.IdempotencyService/WaitFor"))).toMatchObject({
    ...{ status: "UNSET", attributes: { "rpc.status_code": "CANCELLED" } },
  });
});
