import { describe, expect, test } from "vitest";
import { Fault } from "../../../src/domain/fault.ts";
import { resetRecord } from "../../support/operating.ts";
import { claimIdOf, fingerprintOf, finishOf, POLICY } from "../../support/records.ts";
import { settled } from "../store/manual-clock.ts";
import { createClaimScene, KEY } from "./waiting-claim-scene.ts";

const EMPTY = { calls: 0, waiters: 0, keys: 0 };

describe("what a waiting claim is told", () => {
  test.each([
    ["complete", "completed"],
    ["terminal", "failed"],
    ["outcome-unknown", "outcome-unknown"],
  ] as const)("%s: %s, without a claim of its own", async (kind, expected) => {
    const { hold, end, here } = createClaimScene();
    const proof = await hold();
    const calls = [await here.claim("a"), await here.claim("b")];
    expect(calls.map(({ told }) => told)).toEqual([null, null]);
    await end(proof, kind);
    for (const { told, answer } of calls) {
      expect(told).toBe(expected);
      expect(answer.waitedMs).toBe(0);
    }
    // Each one's first try, and no more.
    expect(here.calls.counts).toMatchObject({ claim: 2, peek: 2, watch: 1 });
    expect(here.hub.status()).toEqual(EMPTY);
  });

  test("all see the same result, byte by byte", async () => {
    const { hold, end, here, there } = createClaimScene();
    const proof = await hold();
    const calls = [await here.claim("a"), await there.claim("b"), await here.claim("c")];
    await end(proof, "complete");
    const results = calls.map(({ answer }) => Buffer.from(answer.record.outcome ?? []).toString("hex"));
    expect(new Set(results)).toEqual(new Set([Buffer.from("outcome").toString("hex")]));
  });

  test("an outcome that becomes unknown when the lease ends", async () => {
    const { hold, here, clock } = createClaimScene();
    await hold({ leaseMs: 5_000, policy: { ...POLICY, hold: true } });
    const call = await here.claim("a", { policy: { ...POLICY, hold: true } });
    await clock.advance(5_049);
    expect(call.told).toBeNull();
    await clock.advance(1);
    expect(call.told).toBe("outcome-unknown");
    expect(here.calls.counts.claim).toBe(1);
  });

  test("expired, when the record's result is over by the time that it is read", async () => {
    const { hold, here, there, end, clock } = createClaimScene();
    const proof = await hold({ policy: { ...POLICY, resultRetentionMs: 60_000 } });
    const call = await here.claim("a", { waitMs: 300_000 });
    const stop = here.calls.stop("before", "peek");
    await end(proof, "complete");
    await stop.reached;
    await clock.advance(60_000);
    stop.go();
    await settled();
    expect(call.told).toBe("expired");
    expect(there.hub.status()).toEqual(EMPTY);
  });

  test("a mismatch, when the key was claimed with another payload meanwhile", async () => {
    const { hold, here, there, notify } = createClaimScene();
    await hold();
    const call = await here.claim("a");
    await resetRecord(there.store, KEY, true);
    await hold({ claimId: claimIdOf("thief"), fingerprint: fingerprintOf("other") });
    await notify();
    expect(call.told).toBe("FINGERPRINT_MISMATCH");
    expect(here.hub.status()).toEqual(EMPTY);
  });

  test("in progress, when the wait is over, as of then", async () => {
    const { hold, here, clock, now } = createClaimScene();
    await hold();
    const call = await here.claim("a", { waitMs: 8_000 });
    await clock.advance(7_999);
    expect(call.told).toBeNull();
    await clock.advance(1);
    expect(call.told).toBe("in-progress");
    expect(call.answer.now).toBe(now());
    expect(here.hub.status()).toEqual(EMPTY);
    await clock.advance(1_000);
    expect(clock.sleepers).toBe(0);
  });

  test("in progress at once, without a wait", async () => {
    const { hold, here } = createClaimScene();
    await hold();
    expect((await here.claim("a", { waitMs: 0 })).told).toBe("in-progress");
    expect(here.calls.counts).toMatchObject({ claim: 1, peek: 0 });
  });

  test("retry scheduled at once, when the record can be had only after the wait", async () => {
    const { hold, end, here } = createClaimScene();
    await end(await hold(), "retryable", 10_001);
    expect((await here.claim("a", { waitMs: 10_000 })).told).toBe("retry-scheduled");
    expect(here.calls.counts).toMatchObject({ claim: 1, peek: 0 });
  });

  test("retry scheduled, when the record becomes so while the claim waits, for a time after the wait", async () => {
    const { hold, end, here } = createClaimScene();
    const proof = await hold();
    const call = await here.claim("a", { waitMs: 10_000 });
    await end(proof, "retryable", 10_001);
    expect(call.told).toBe("retry-scheduled");
  });

  test("that the server shuts down", async () => {
    const { hold, here } = createClaimScene();
    await hold();
    const calls = [await here.claim("a"), await here.claim("b")];
    here.hub.drain();
    await settled();
    expect(calls.map(({ told }) => told)).toEqual(["DRAINING", "DRAINING"]);
    expect(here.hub.status()).toEqual(EMPTY);
    expect((await here.claim("c")).told).toBe("DRAINING");
  });

  test("that too many wait, once the record says that it would have to", async () => {
    const { hold, here, end } = createClaimScene({ waitersMax: 1 });
    const proof = await hold();
    const first = await here.claim("a");
    expect((await here.claim("b")).told).toBe("QUOTA_WAITERS");
    await end(proof, "complete");
    expect(first.told).toBe("completed");
    expect((await here.claim("c")).told).toBe("completed");
    expect(here.hub.status()).toEqual(EMPTY);
  });

  test("that the tenant's calls wait for too many records, and it is counted no more", async () => {
    const { hold, here } = createClaimScene({ keysMax: 1 });
    const other = { ...KEY, key: "order-2" };
    await hold();
    await hold({ key: other });
    await here.claim("a");
    expect((await here.claim("b", { key: other })).told).toBe("QUOTA_WAITERS");
    expect(here.hub.status()).toEqual({ calls: 1, waiters: 1, keys: 1 });
  });

  test("nothing that was read before it came: a newcomer's own first try is newer", async () => {
    const { hold, end, here, there } = createClaimScene();
    const lookOn = { see: () => "wait" as const, claim: () => Promise.reject(new Error("bug")), dismiss() {} };
    const proof = await hold();
    here.hub.join(KEY, lookOn);
    await settled();
    await end(proof, "outcome-unknown");
    // What follows is not heard of here.
    expect(await resetRecord(there.store, KEY, false)).toBe(true);
    const again = await there.claim("b");
    expect(again.told).toBe("acquired new");
    const call = await here.claim("a");
    expect(call.told).toBeNull();
    await there.store.finish(finishOf({ key: KEY, proof: again.answer.record.lease }), Infinity);
    here.hub.setListening(false);
    await settled();
    expect(call.told).toBe("completed");
  });

  test.each([
    ["in progress until what a heartbeat had made of it", false, 300],
    ["in progress, after a heartbeat had revived a lease that was over under HOLD", true, 1_060],
  ])("%s, though it was read before with the clock an hour ahead", async (_, hold, beatMs) => {
    const scene = createClaimScene();
    const { here, there, clock } = scene;
    const policy = { ...POLICY, hold };
    scene.step(HOUR_MS);
    const proof = await scene.hold({ leaseMs: 1_000, policy });
    const lookOn = { see: () => "wait" as const, claim: () => Promise.reject(new Error("bug")), dismiss() {} };
    here.hub.join(KEY, lookOn);
    await settled();
    await clock.advance(beatMs);
    // A bare one wakes nobody: what was read here stays as it is.
    const beat = { key: KEY, proof, leaseMs: 1_000, checkpoint: null, progress: null, externalRef: null };
    expect(await there.store.heartbeat(beat, Infinity)).toMatchObject({ kind: "extended" });
    const { due } = (await scene.record()) ?? {};
    await clock.advance(50);
    scene.step(-HOUR_MS);
    const call = await here.claim("a", { waitMs: 200, policy });
    await clock.advance(200);
    expect(call.told).toBe("in-progress");
    expect(call.answer.record.due).toBe(due);
  });
});

const HOUR_MS = 3_600_000;

describe("a store that does not answer", () => {
  const away = () => new Fault("STORE_UNAVAILABLE", "the database does not answer");

  test("fails the claim that was submitted, and nobody else's before the record has been read again", async () => {
    const { hold, end, here, clock } = createClaimScene();
    const proof = await hold();
    const calls = [await here.claim("a"), await here.claim("b"), await here.claim("c")];
    const stop = here.calls.stop("before", "claim");
    await end(proof, "not-started");
    stop.fail(away());
    await settled();
    expect(calls.map(({ told }) => told)).toEqual(["STORE_UNAVAILABLE", null, null]);
    expect(here.calls.counts.claim).toBe(4);
    await clock.advance(250);
    expect(calls.map(({ told }) => told)).toEqual(["STORE_UNAVAILABLE", "acquired new", null].map(retried));
    expect(here.calls.counts.claim).toBe(5);
  });

  test("fails a claim that took effect, and the others wait for its lease", async () => {
    const { hold, end, here, clock, record } = createClaimScene();
    const proof = await hold();
    const [first, second] = [await here.claim("a"), await here.claim("b")];
    const stop = here.calls.stop("after", "claim");
    await end(proof, "not-started");
    await stop.reached;
    stop.fail(away());
    await clock.advance(250);
    expect([first.told, second.told]).toEqual(["STORE_UNAVAILABLE", null]);
    expect(here.counts.promoted).toBe(0);
    // The same call again settles it.
    const again = await here.claim("a");
    expect(again.told).toBe("acquired reattached");
    expect((await record())?.attempt).toBe(1);
  });
});

/** The record was bound by its first claim and given back: what comes is a retry. */
function retried(told: string | null): string | null {
  return told === "acquired new" ? "acquired retry" : told;
}
