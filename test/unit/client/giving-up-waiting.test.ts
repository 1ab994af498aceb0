import type { Message } from "@bufbuild/protobuf";
import { durationFromMs, durationMs } from "@bufbuild/protobuf/wkt";
import { describe, expect, test } from "vitest";
import type { ClaimRequest } from "../../../gen/holdfast/v1/idempotency_pb.ts";
import { fingerprint, notStarted } from "../../../src/client/client.ts";
import { unavailable } from "./fake-server.ts";
import { type ManualClock, settle } from "./manual-clock.ts";
import { job, start, thrown } from "./one-job.ts";

const never = new AbortController().signal;
const hold = { ...job, onLeaseExpiry: "hold" } as const;

/** Somebody works on the job until told to stop, which leaves it claimable; somebody else waits for it. */
async function waiting() {
  const all = start();
  const { holdfast, server } = all;
  const stop = Promise.withResolvers<void>();
  const holding = holdfast.once(hold, async () => {
    await stop.promise;
    throw notStarted("stopped");
  });
  holding.catch(() => undefined);
  await settle();
  const controller = new AbortController();
  const other = server.client();
  let runs = 0;
  const giving = thrown(other.once({ ...hold, signal: controller.signal }, () => ++runs));
  await settle();
  return {
    ...all,
    other,
    giving,
    stop: stop.resolve,
    giveUp: () => controller.abort(new Error("gone")),
    waits: () => server.requests.filter(isClaim).slice(1).map(waitMsOf),
    runs: () => runs,
  };
}

const isClaim = (request: { readonly $typeName: string }): request is ClaimRequest =>
  request.$typeName === "holdfast.v1.ClaimRequest";
const waitMsOf = ({ wait }: ClaimRequest) => (wait === undefined ? 0 : durationMs(wait));

describe("a caller who gives up waiting", () => {
  test("is taken out on the server at once, and asks whether it holds the lease", async () => {
    const { server, clock, giving, giveUp, waits, state } = await waiting();
    expect(server.hub.status()).toMatchObject({ calls: 1, waiters: 1 });
    giveUp();
    expect(await giving).toMatchObject({ message: "gone" });
    await settle();
    expect(server.hub.status()).toMatchObject({ calls: 0, waiters: 0 });
    expect(waits()).toEqual([30_000, 0]);
    expect(await state()).toBe("in-progress");
    expect(server.warnings).toEqual([]);
    // Those of whoever works.
    expect(clock.pending()).toBe(2);
  });

  test("lets close() go on at once", async () => {
    const { server, clock, other, giving } = await waiting();
    const before = clock.monotonicMs();
    await other.close();
    expect(await giving).toMatchObject({ reason: "CLOSED" });
    expect(clock.monotonicMs()).toBe(before);
    expect(server.hub.status()).toMatchObject({ calls: 0 });
  });

  test("between two claims asks nothing", async () => {
    const { server, clock, holdfast } = start();
    void holdfast.once(hold, () => new Promise<never>(() => {})).catch(() => undefined);
    await settle();
    server.meddle = (call, pass) => {
      if (call.method === "claim") Object.assign(call.request, { wait: undefined });
      return pass();
    };
    const controller = new AbortController();
    const giving = thrown(server.client().once({ ...hold, signal: controller.signal }, () => 1));
    await clock.advance(10);
    const before = server.calls.length;
    controller.abort(new Error("gone"));
    expect(await giving).toMatchObject({ message: "gone" });
    await settle();
    expect(server.calls.length).toBe(before);
  });

  test.each([
    ["has its lease given back by the server, which knows that nobody is there", false],
    ["gives its lease back, of which the server believes that it has arrived", true],
  ])("while the answer that it is promoted is under way %s", async (_, believed) => {
    const { server, clock, giving, giveUp, stop, record, runs } = await waiting();
    server.believes = () => believed;
    // It gives up when the record is its own, and before the server can say so.
    const { claim } = server.store;
    server.store.claim = async (...args) => {
      const answer = await claim(...args);
      if (answer.kind === "acquired" && answer.reason !== "reattached") giveUp();
      return answer;
    };
    stop();
    await settle();
    expect(await giving).toMatchObject({ message: "gone" });
    await clock.advance(1_000);
    expect(await record()).toMatchObject({ state: "available", attempt: 0 });
    expect(runs()).toBe(0);
    expect(server.warnings).toEqual([]);
    expect(clock.pending()).toBe(0);
  });

  test("has given its lease back also when the promotion's answer crossed the cancellation", async () => {
    const { server, record, ids, giving, giveUp } = await promoted(async (pass, clock) => {
      const answer = await pass();
      await clock.sleep(500, never);
      return answer;
    });
    expect(await record()).toMatchObject({ state: "in-progress", attempt: 2 });
    giveUp();
    expect(await giving).toMatchObject({ message: "gone" });
    await settle();
    expect(await record()).toMatchObject({ state: "available", attempt: 1 });
    expect(new Set(ids()).size).toBe(1);
    expect(server.warnings).toEqual([]);
  });

  test("has given its lease back also when the promotion's answer was lost, and nobody has asked again yet", async () => {
    const { clock, record, ids, giving, giveUp } = await promoted(async (pass) => {
      await pass();
      throw unavailable();
    });
    expect(await record()).toMatchObject({ state: "in-progress", attempt: 2 });
    expect(ids()).toHaveLength(1);
    giveUp();
    expect(await giving).toMatchObject({ message: "gone" });
    await clock.advance(0);
    expect(await record()).toMatchObject({ state: "available", attempt: 1 });
    expect(new Set(ids()).size).toBe(1);
  });
});

/**
 * Somebody waits for the job of a holder who is dead, and was promoted a moment ago; `answer` decides how that is told.
 * The server takes it for told.
 */
async function promoted(answer: (pass: () => Promise<Message>, clock: ManualClock) => Promise<Message>) {
  const all = start();
  const { server, clock, holdfast, claimIds } = all;
  await holdfast.rpc.claim({
    key: { scope: job.scope, key: job.key },
    claimId: "somebody-who-is-dead",
    fingerprint: fingerprint(job.input),
    lease: durationFromMs(2_000),
  });
  server.believes = () => true;
  server.meddle = (call, pass) => (call.method === "claim" && call.earlier === 1 ? answer(pass, clock) : pass());
  const controller = new AbortController();
  const retry = { baseDelayMs: 1_000_000, maxDelayMs: 1_000_000, totalTimeoutMs: 3_600_000 };
  const giving = thrown(server.client({ retry }).once({ ...job, signal: controller.signal }, () => 1));
  await clock.advance(2_300);
  return { ...all, ids: () => claimIds().slice(1), giving, giveUp: () => controller.abort(new Error("gone")) };
}

describe("the first claim of a caller who gives up", () => {
  test.each([
    ["before it has arrived", 0, 500],
    ["when it has acquired, and the answer is under way", 500, 0],
  ])("%s leaves no lease behind", async (_, answerMs, requestMs) => {
    const { server, clock, holdfast, record } = start();
    server.meddle = async (call, pass) => {
      if (call.method === "claim") await clock.sleep(requestMs, never);
      const answer = await pass();
      if (call.method === "claim") await clock.sleep(answerMs, never);
      return answer;
    };
    const controller = new AbortController();
    const giving = thrown(holdfast.once({ ...hold, signal: controller.signal }, () => 1));
    await clock.advance(100);
    controller.abort(new Error("gone"));
    expect(await giving).toMatchObject({ message: "gone" });
    await clock.advance(2_000);
    expect(await record()).toMatchObject({ state: "available", attempt: 0 });
    expect(server.warnings).toEqual([]);
    expect(clock.pending()).toBe(0);
  });
});
