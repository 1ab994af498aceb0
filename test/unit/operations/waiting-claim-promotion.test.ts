import { describe, expect, test } from "vitest";
import { msBetween } from "../../../src/domain/instant.ts";
import type { Proof } from "../../../src/domain/record.ts";
import { releaseRecord, resetRecord } from "../../support/operating.ts";
import { finishOf } from "../../support/records.ts";
import { settled } from "../store/manual-clock.ts";
import { type ClaimScene, createClaimScene, KEY, type WaitingCall } from "./waiting-claim-scene.ts";

const told = (calls: readonly WaitingCall[]) => calls.map((call) => call.told);

describe("a release promotes the oldest waiter, by one claim, however many wait", () => {
  type Release = readonly [
    name: string,
    release: (scene: ClaimScene) => Promise<void>,
    reason: string,
    attempt: number,
  ];
  const RELEASES: readonly Release[] = [
    ["the lease's end", ({ clock }) => clock.advance(30_050), "takeover", 2],
    ["not started", async (scene) => scene.end(await leaseOf(scene), "not-started"), "retry", 1],
    ["retryable", async (scene) => scene.end(await leaseOf(scene), "retryable"), "retry", 2],
    [
      "retryable with a delay",
      async (scene) => {
        await scene.end(await leaseOf(scene), "retryable", 5_000);
        await scene.clock.advance(5_050);
      },
      "retry",
      2,
    ],
    [
      "an operator's release",
      async ({ there, notify }) => {
        await releaseRecord(there.store, KEY);
        await notify();
      },
      "retry",
      2,
    ],
    [
      "a reset",
      async ({ there, notify }) => {
        await resetRecord(there.store, KEY, true);
        await notify();
      },
      "new",
      1,
    ],
  ];

  test.each(RELEASES)("%s", async (_name, release, reason, attempt) => {
    const scene = createClaimScene();
    const { here, there, hold, record, end } = scene;
    await hold();
    const calls: WaitingCall[] = [];
    for (let i = 0; i < 20; i++) calls.push(await here.claim(`waiter-${i}`, { waitMs: 60_000 }));
    const before = here.calls.counts.claim;
    await release(scene);
    expect(told(calls)).toEqual([`acquired ${reason}`, ...Array(19).fill(null)]);
    expect(here.calls.counts.claim - before).toBe(1);
    expect(here.counts).toEqual({ promoted: 1, gaveBack: 0 });
    expect((await record())?.attempt).toBe(attempt);

    await end(await leaseOf(scene), "complete");
    expect(told(calls.slice(1))).toEqual(Array(19).fill("completed"));
    expect(here.calls.counts.claim - before).toBe(1);
    expect([here.hub.status(), there.hub.status()].map(({ waiters }) => waiters)).toEqual([0, 0]);
  });

  test("of every server; the row decides, and the losers wait on", async () => {
    const scene = createClaimScene();
    const { here, there, hold, end } = scene;
    const proof = await hold();
    const calls = [await here.claim("a"), await there.claim("b"), await here.claim("c"), await there.claim("d")];
    const before = [here.calls.counts.claim, there.calls.counts.claim];
    await end(proof, "not-started");
    const after = [here.calls.counts.claim, there.calls.counts.claim];
    expect(told(calls).filter((each) => each === null)).toHaveLength(3);
    expect(told(calls.slice(0, 2)).filter((each) => each === "acquired retry")).toHaveLength(1);
    for (const [i, count] of after.entries()) expect(count - (before[i] ?? 0)).toBeLessThanOrEqual(1);

    await end(await leaseOf(scene), "complete");
    expect(told(calls).filter((each) => each === "completed")).toHaveLength(3);
  });

  test("age counts from joining, also for those who come in the moment of the release", async () => {
    const scene = createClaimScene();
    const { here, hold, there } = scene;
    const proof = await hold();
    const first = await here.claim("a");
    // Notified, and before anything can follow from that the next one joins, whose own first try was in time.
    const stop = here.calls.stop("after", "claim");
    const late = here.claim("b");
    await stop.reached;
    await there.store.finish(notStarted(proof), Infinity);
    stop.go();
    await Promise.resolve();
    here.hub.wake(KEY);
    const second = await late;
    await scene.notify();
    expect(told([first, second])).toEqual(["acquired retry", null]);
  });

  test("and a newcomer for whom the record was read comes after those who waited before it", async () => {
    const scene = createClaimScene();
    const { here, hold, end, clock } = scene;
    const proof = await hold();
    const calls = [await here.claim("a"), await here.claim("b")];
    here.hub.setListening(false);
    await settled();
    const stop = here.calls.stop("before", "peek");
    calls.push(await here.claim("c"));
    await stop.reached;
    await clock.advance(1);
    await end(proof, "not-started");
    stop.go();
    await settled();
    expect(told(calls)).toEqual(["acquired retry", null, null]);
  });
});

test("a failed record is tried again by one of those who ask for that, and told to the others", async () => {
  const scene = createClaimScene();
  const { here, hold, end } = scene;
  const proof = await hold();
  const calls = [
    await here.claim("a"),
    await here.claim("b", { reuse: "retry-failed" }),
    await here.claim("c", { reuse: "retry-failed" }),
  ];
  await end(proof, "terminal");
  expect(told(calls)).toEqual(["failed", "acquired retry", null]);
  await end(await leaseOf(scene), "complete");
  expect(told(calls)).toEqual(["failed", "acquired retry", "completed"]);
});

test("a lease tells how long its claim had waited, and never more", async () => {
  const scene = createClaimScene();
  const { here, hold, end, clock } = scene;
  const proof = await hold();
  const arrivedMs = clock.monotonicMs();
  const stop = here.calls.stop("after", "claim");
  const pending = here.claim("a");
  await stop.reached;
  await clock.advance(100);
  stop.go();
  const call = await pending;
  await clock.advance(2_000);
  const promotion = here.calls.stop("before", "claim");
  await end(proof, "not-started");
  await promotion.reached;
  await clock.advance(70);
  promotion.go();
  await settled();
  const { waitedMs, record, now } = call.answer;
  expect(waitedMs).toBe(2_100);
  // What the caller believes, from when it sent the call, is no longer than what the record says.
  expect(arrivedMs + waitedMs + msBetween(now, record.due)).toBeLessThanOrEqual(clock.monotonicMs() + 30_000);
});

test("one whose own claim id has become the record's goes before an older one who could have it too", async () => {
  const { here, there, hold, clock } = createClaimScene();
  const proof = await hold();
  const older = await here.claim("older", { waitMs: 60_000 });
  const moved = await here.claim("moved", { waitMs: 60_000 });
  here.hub.setListening(false);
  const ghost = await there.claim("moved", { waitMs: 60_000, leaseMs: 1_000 });
  await there.store.finish(notStarted(proof), Infinity);
  await settled();
  expect(ghost.told).toBe("acquired retry");
  // By the time that this server looks the ghost's lease is over: either could claim, and it is the other's attempt.
  await clock.advance(1_300);
  expect(told([older, moved])).toEqual([null, "acquired reattached"]);
});

test("a waiter whose own claim id has become the record's is reattached at once, whoever is older", async () => {
  const scene = createClaimScene();
  const { here, there, hold, clock, record } = scene;
  const proof = await hold();
  const older = await here.claim("older", { waitMs: 60_000 });
  const ghost = await there.claim("moved", { waitMs: 60_000 });
  const moved = await here.claim("moved", { waitMs: 60_000 });
  ghost.caller.holdAnswer();
  // Only the server of the ghost hears of the release at first.
  here.hub.setListening(false);
  await settled();
  await there.store.finish(notStarted(proof), Infinity);
  await settled();
  expect(ghost.told).toBe("acquired retry");
  await clock.advance(1_300);
  expect(told([older, moved])).toEqual([null, "acquired reattached"]);
  expect(moved.answer.record.lease).toEqual(ghost.answer.record.lease);

  // The guard of the give-back misses: the lease that was reattached stays.
  ghost.caller.answered(false);
  await settled();
  expect(there.counts.gaveBack).toBe(0);
  expect(await record()).toMatchObject({ state: "in-progress", attempt: 1, lease: moved.answer.record.lease });
  expect(here.counts).toEqual({ promoted: 0, gaveBack: 0 });
});

test("a promotion that the store has sent twice is given back like any other", async () => {
  const { here, hold, end, record } = createClaimScene();
  const proof = await hold();
  const ghost = await here.claim("ghost", { waitMs: 60_000 });
  ghost.caller.holdAnswer();
  // The batch has committed, its connection is lost with the answer, and the same batch goes out again.
  const { store } = here.calls;
  const { claim } = store;
  store.claim = async (...call) => {
    await claim(...call);
    return await claim(...call);
  };
  await end(proof, "not-started");
  expect(ghost.told).toBe("acquired reattached");
  ghost.caller.answered(false);
  await settled();
  expect(await record()).toMatchObject({ state: "available", attempt: 0 });
  expect(here.counts).toEqual({ promoted: 1, gaveBack: 1 });
});

async function leaseOf({ record }: ClaimScene) {
  const found = await record();
  if (found === null) throw new Error("no record");
  return found.lease;
}

function notStarted(proof: Proof) {
  return finishOf({ key: KEY, proof, kind: "not-started", outcome: null });
}
