import { describe, expect, test } from "vitest";
import { Fault } from "../../../src/domain/fault.ts";
import { heartbeatOf } from "../../support/records.ts";
import { settled } from "../store/manual-clock.ts";
import { type ClaimScene, createClaimScene, KEY, type WaitingCall } from "./waiting-claim-scene.ts";

const away = () => new Fault("STORE_UNAVAILABLE", "the database does not answer");

/** One waits here behind a holder who is about to give up, another behind it. */
async function promote(scene: ClaimScene, whenGone: (call: WaitingCall) => Promise<void>) {
  const { here, hold, end } = scene;
  const proof = await hold();
  const first = await here.claim("first", { waitMs: 60_000 });
  const second = await here.claim("second", { waitMs: 60_000 });
  const stop = here.calls.stop("after", "claim");
  await end(proof, "not-started");
  await stop.reached;
  await whenGone(first);
  stop.go();
  await settled();
  return { first, second };
}

describe("a caller who goes", () => {
  test("before it is promoted leaves nothing: the next one is", async () => {
    const scene = createClaimScene();
    const { here, hold, end, record } = scene;
    const proof = await hold();
    const [first, second] = [await here.claim("first"), await here.claim("second")];
    first.caller.vanish();
    await settled();
    expect(first.told).toBe("CANCELLED");
    expect(here.hub.status()).toEqual({ calls: 1, waiters: 1, keys: 1 });
    await end(proof, "not-started");
    expect(second.told).toBe("acquired retry");
    expect(await record()).toMatchObject({ attempt: 1, claimId: "second".padEnd(16, "-") });
    expect(here.counts).toEqual({ promoted: 1, gaveBack: 0 });
    expect(here.calls.counts.claim).toBe(3);
  });

  test("before it joined is not waited for", async () => {
    const { here, hold } = createClaimScene();
    await hold();
    const stop = here.calls.stop("after", "claim");
    const pending = here.claim("first");
    await stop.reached;
    const call = here.calls.counts.claim;
    expect(call).toBe(1);
    stop.go();
    (await pending).caller.vanish();
    await settled();
    expect(here.hub.status()).toEqual({ calls: 0, waiters: 0, keys: 0 });
  });

  test("while its promoting claim is under way: the lease is given back, no attempt is counted, the next is promoted", async () => {
    const scene = createClaimScene();
    const { second } = await promote(scene, async (call) => call.caller.vanish());
    expect(scene.here.counts).toEqual({ promoted: 2, gaveBack: 1 });
    expect(second.told).toBe("acquired retry");
    expect(await scene.record()).toMatchObject({ attempt: 1, lease: second.answer.record.lease });
  });

  test("after that, when its answer does not reach it", async () => {
    const scene = createClaimScene();
    const { first, second } = await promote(scene, async (call) => call.caller.holdAnswer());
    expect([first.told, second.told]).toEqual(["acquired retry", null]);
    await scene.clock.advance(5_000);
    first.caller.answered(false);
    await settled();
    expect(second.told).toBe("acquired retry");
    expect(scene.here.counts).toEqual({ promoted: 2, gaveBack: 1 });
    expect(await scene.record()).toMatchObject({ attempt: 1, lease: second.answer.record.lease });
  });

  test("not: what has reached its caller is never given back", async () => {
    const scene = createClaimScene();
    const { first, second } = await promote(scene, async (call) => call.caller.holdAnswer());
    first.caller.answered(true);
    await settled();
    expect(scene.here.calls.counts.finish).toBe(0);
    expect(second.told).toBeNull();
  });

  test("one after the other: each gives back, and the last one's attempt is the first", async () => {
    const scene = createClaimScene();
    const { here, hold, end, record } = scene;
    const proof = await hold();
    const calls = [];
    for (let i = 0; i < 5; i++) calls.push(await here.claim(`waiter-${i}`));
    for (const { caller } of calls.slice(0, 4)) {
      caller.holdAnswer();
      caller.answered(false);
    }
    await end(proof, "not-started");
    for (let i = 0; i < 5; i++) await settled();
    expect(calls.at(-1)?.told).toBe("acquired retry");
    expect(here.counts).toEqual({ promoted: 5, gaveBack: 4 });
    expect((await record())?.attempt).toBe(1);
  });
});

describe("the guard", () => {
  test("misses when the caller came back and was reattached", async () => {
    const scene = createClaimScene();
    const { first, second } = await promote(scene, async (call) => call.caller.holdAnswer());
    const again = await scene.there.claim("first");
    expect(again.told).toBe("acquired reattached");
    first.caller.answered(false);
    await settled();
    expect(scene.here.counts.gaveBack).toBe(0);
    expect(await scene.record()).toMatchObject({ state: "in-progress", lease: first.answer.record.lease });
    expect(second.told).toBeNull();
  });

  test("misses when the caller has sent a heartbeat", async () => {
    const scene = createClaimScene();
    const { first } = await promote(scene, async (call) => call.caller.holdAnswer());
    await scene.clock.advance(1);
    await scene.there.store.heartbeat(heartbeatOf({ key: KEY, proof: first.answer.record.lease }), Infinity);
    first.caller.answered(false);
    await settled();
    expect(scene.here.counts.gaveBack).toBe(0);
    expect((await scene.record())?.state).toBe("in-progress");
  });

  test("misses when the record has ended, or has been taken by others", async () => {
    for (const kind of ["complete", "retryable"] as const) {
      const scene = createClaimScene();
      const { first, second } = await promote(scene, async (call) => call.caller.holdAnswer());
      await scene.end(first.answer.record.lease, kind);
      first.caller.answered(false);
      await settled();
      expect(scene.here.counts.gaveBack).toBe(0);
      expect(second.told).toBe(kind === "complete" ? "completed" : "acquired retry");
    }
  });

  test("a reattached claim is never given back: the lease was not acquired by waiting", async () => {
    const scene = createClaimScene();
    const { first } = await promote(scene, async (call) => call.caller.holdAnswer());
    const again = await scene.here.claim("first");
    expect(again.told).toBe("acquired reattached");
    again.caller.vanish();
    await settled();
    expect(scene.here.calls.counts.finish).toBe(0);
    expect((await scene.record())?.state).toBe("in-progress");
    first.caller.answered(true);
  });
});

describe("while the store does not answer", () => {
  test("it is tried again", async () => {
    const scene = createClaimScene();
    const { here } = scene;
    const { first, second } = await promote(scene, async (call) => call.caller.holdAnswer());
    const stops = Array.from({ length: 3 }, () => here.calls.stop("before", "finish"));
    first.caller.answered(false);
    for (const stop of stops) {
      await settled();
      stop.fail(away());
      await settled();
      expect(second.told).toBeNull();
      await scene.clock.advance(500);
    }
    expect(here.calls.counts.finish).toBe(4);
    expect(here.counts.gaveBack).toBe(1);
    expect(second.told).toBe("acquired retry");
    expect((await scene.record())?.attempt).toBe(1);
  });

  test("and took effect all the same, trying again takes nothing from the next one", async () => {
    const scene = createClaimScene();
    const { here, record, there } = scene;
    const { first } = await promote(scene, async (call) => call.caller.holdAnswer());
    const stop = here.calls.stop("after", "finish");
    first.caller.answered(false);
    await stop.reached;
    const next = await there.claim("third");
    expect(next.told).toBe("acquired retry");
    stop.fail(away());
    await scene.clock.advance(500);
    expect(here.calls.counts.finish).toBe(2);
    expect(await record()).toMatchObject({ state: "in-progress", attempt: 1, lease: next.answer.record.lease });
  });

  test("until the lease is over, which gives it back too", async () => {
    const scene = createClaimScene();
    const { here, clock } = scene;
    const { first, second } = await promote(scene, async (call) => call.caller.holdAnswer());
    for (let i = 0; i < 100; i++) here.calls.stop("before", "finish").fail(away());
    first.caller.answered(false);
    await clock.advance(29_999);
    expect(second.told).toBeNull();
    await clock.advance(51);
    expect(second.told).toBe("acquired takeover");
    const tries = here.calls.counts.finish;
    expect(tries).toBe(60);
    await clock.advance(9_000);
    expect(here.calls.counts.finish).toBe(tries);
  });
});
