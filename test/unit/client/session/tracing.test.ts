import { context, propagation, trace } from "@opentelemetry/api";
import { afterEach, expect, test } from "vitest";
import { registerSpans, traceparentOf } from "../../../support/spans.ts";
import { open, serve, untilCarried } from "./stand.ts";

const spans = registerSpans();
const cleanups: (() => unknown)[] = [];

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
  spans.forget();
});

const claimOf = (key: string) => ({ key: { scope: "charge", key }, claimId: `the-only-claim-of-${key}` });

test("each call of a session brings its own place in a trace along", async () => {
  const served = await serve(cleanups);
  const holdfast = open(cleanups, { address: served.address });
  await untilCarried(holdfast, served);
  spans.forget();
  await holdfast.rpc.claim(claimOf("a"));
  await holdfast.rpc.claim(claimOf("b"));
  const sent = spans.named("holdfast.v1.IdempotencyService/Claim").map(traceparentOf);
  expect(served.seen).toMatchObject(sent.map((traceparent) => ({ way: "session", traceparent })));
  expect(new Set(sent).size).toBe(2);
  const [span] = spans.all();
  expect(span?.attributes).toMatchObject({ "rpc.status_code": "OK", "server.address": "127.0.0.1" });
});

test("baggage of the program does not keep its calls from a session", async () => {
  const served = await serve(cleanups);
  const holdfast = open(cleanups, { address: served.address });
  await untilCarried(holdfast, served);
  const baggage = propagation.createBaggage({ customer: { value: "c4n4ry" } });
  await context.with(propagation.setBaggage(context.active(), baggage), () =>
    trace
      .getTracer("theirs")
      .startActiveSpan("request", (own) => holdfast.rpc.claim(claimOf("c")).finally(() => own.end())),
  );
  expect(served.ways()).toEqual(["session claim"]);
});
