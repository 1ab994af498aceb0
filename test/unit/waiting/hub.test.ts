import { expect, test } from "vitest";
import { wakeId } from "../../../src/waiting/wake-id.ts";
import { claimOf, finishOf, heartbeatOf } from "../../support/records.ts";
import { createOnlooker } from "../../support/waiting.ts";
import { settled } from "../store/manual-clock.ts";
import { createHubScene, KEY } from "./hub-scene.ts";

test("however many wait, the record is read and flagged once, and read once more at its end", async () => {
  const { hub, hold, complete, elsewhere, reads, notify } = createHubScene();
  const proof = await hold();
  const onlookers = Array.from({ length: 1_000 }, () => createOnlooker());
  for (const onlooker of onlookers) hub.join(KEY, onlooker);
  for (let i = 0; i < 5; i++) await settled();
  expect(reads.counts).toMatchObject({ peek: 1, watch: 1, claim: 0 });

  await complete(elsewhere, proof);
  await notify();
  for (let i = 0; i < 5; i++) await settled();
  expect(reads.counts).toMatchObject({ peek: 2, watch: 1 });
  for (const { states } of onlookers) expect(states).toEqual(["in-progress", "completed"]);
});

test("those who come while the record is flagged see what was read last, and cost no read", async () => {
  const { join, hold, reads } = createHubScene();
  await hold();
  await join();
  for (let i = 0; i < 10; i++) expect((await join()).onlooker.states).toEqual(["in-progress"]);
  expect(reads.counts).toMatchObject({ peek: 1, watch: 1 });
});

test("while nobody listens each newcomer is read for, and those who come during a read share it", async () => {
  const { hub, join, hold, reads } = createHubScene();
  hub.setListening(false);
  await hold();
  await join();
  await join();
  expect(reads.counts.peek).toBe(2);
  for (let i = 0; i < 10; i++) hub.join(KEY, createOnlooker());
  await join();
  expect(reads.counts.peek).toBe(3);
});

test("an absent record is read once for all who came before the read, and not flagged", async () => {
  const { hub, join, reads } = createHubScene();
  const onlookers = Array.from({ length: 100 }, () => createOnlooker());
  for (const onlooker of onlookers) hub.join(KEY, onlooker);
  await settled();
  // The first one's read had begun when the others came.
  expect(reads.counts).toMatchObject({ peek: 2, watch: 0 });
  for (const { states } of onlookers) expect(states).toEqual([null]);
  await join();
  expect(reads.counts.peek).toBe(3);
});

test("who comes while an absent record is being read is not told that it is absent: a claim may have been answered since", async () => {
  const { hub, join, hold, reads } = createHubScene();
  const stop = reads.stop("after", "peek");
  const { onlooker: first } = await join();
  await stop.reached;
  await hold();
  const { onlooker: second } = await join();
  stop.go();
  await settled();
  expect(first.states).toEqual([null, "in-progress"]);
  expect(second.states).toEqual(["in-progress"]);
  expect(hub.status()).toMatchObject({ waiters: 2, keys: 1 });
});

test("an absent record is found by a claim on the same server at once", async () => {
  const { join, here, reads } = createHubScene();
  const { onlooker } = await join();
  await here.claim(claimOf(), Number.POSITIVE_INFINITY);
  await settled();
  expect(onlooker.states).toEqual([null, "in-progress"]);
  expect(reads.counts.watch).toBe(1);
});

test("an absent record is found by the backstop when it was claimed elsewhere", async () => {
  const { join, hold, clock } = createHubScene({ backstopMs: 1_000 });
  const { onlooker } = await join();
  await hold();
  await clock.advance(1_200);
  expect(onlooker.states).toEqual([null, "in-progress"]);
});

test("a lease's end is looked at 50 ms after it, and not before", async () => {
  const { join, hold, clock, reads } = createHubScene();
  await hold(KEY, 10_000);
  const { onlooker } = await join();
  await clock.advance(10_049);
  expect(reads.counts.peek).toBe(1);
  await clock.advance(1);
  expect(reads.counts.peek).toBe(2);
  expect(onlooker.seen.map(({ record, now }) => (record?.due ?? 0) <= now)).toEqual([false, true]);
});

test("a lease that was extended without a word is looked at again at its new end", async () => {
  const { join, hold, clock, reads, elsewhere } = createHubScene();
  const proof = await hold(KEY, 10_000);
  await join();
  await clock.advance(6_000);
  await elsewhere.heartbeat(heartbeatOf({ proof, leaseMs: 10_000 }), Number.POSITIVE_INFINITY);
  await clock.advance(4_050);
  expect(reads.counts.peek).toBe(2);
  await clock.advance(5_999);
  expect(reads.counts.peek).toBe(2);
  await clock.advance(1);
  expect(reads.counts.peek).toBe(3);
});

test("a delay's end is looked at 50 ms after it", async () => {
  const { join, hold, clock, reads, elsewhere } = createHubScene();
  const proof = await hold();
  const end = finishOf({ proof, kind: "retryable", delayMs: 5_000 });
  await elsewhere.finish(end, Number.POSITIVE_INFINITY);
  const { onlooker } = await join();
  await clock.advance(5_049);
  expect(reads.counts.peek).toBe(1);
  await clock.advance(1);
  expect(reads.counts.peek).toBe(2);
  expect(onlooker.states).toEqual(["available", "available"]);
});

test("a record that only others can change is not read again by itself when the backstop is off", async () => {
  const { join, hold, clock, reads, elsewhere } = createHubScene();
  const proof = await hold();
  await elsewhere.finish(finishOf({ proof, kind: "outcome-unknown" }), Number.POSITIVE_INFINITY);
  await join();
  await clock.advance(3_600_000);
  expect(reads.counts).toMatchObject({ peek: 1, watch: 1 });
});

test("a notification of a record that has not changed costs a read and shows nothing", async () => {
  const { hub, join, hold, reads } = createHubScene();
  await hold();
  const { onlooker } = await join();
  hub.notified([wakeId(KEY), wakeId(KEY)]);
  await settled();
  expect(reads.counts.peek).toBe(2);
  expect(onlooker.states).toEqual(["in-progress"]);
});

test("notifications of records that nobody waits for here cost nothing", async () => {
  const { hub, join, hold, reads } = createHubScene();
  await hold();
  await join();
  hub.notified([wakeId({ ...KEY, key: "other" }), "not an id at all", ""]);
  hub.wake({ ...KEY, key: "other" });
  await settled();
  expect(reads.counts.peek).toBe(1);
});

test("one notification of several records reads each of them", async () => {
  const { join, hold, complete, elsewhere, notify, told } = createHubScene();
  const other = { ...KEY, key: "order-2" };
  const proofs = [await hold(KEY), await hold(other)] as const;
  const [one, two] = [await join(), await join(createOnlooker(), other)];
  await complete(elsewhere, proofs[0]);
  await complete(elsewhere, proofs[1], other);
  expect(told).toHaveLength(2);
  await notify();
  expect(one.onlooker.states).toEqual(["in-progress", "completed"]);
  expect(two.onlooker.states).toEqual(["in-progress", "completed"]);
});

test("waiters are told by which way an end reached them, and how long after", async () => {
  const { join, hold, complete, elsewhere, here, notify, woken, clock } = createHubScene({ backstopMs: 1_000 });
  const keys = ["local", "notified", "polled"].map((key) => ({ ...KEY, key }));
  const proofs = [];
  for (const key of keys) proofs.push(await hold(key));
  const joined = await Promise.all(keys.map((key) => join(createOnlooker(), key)));
  const [local, notified, polled] = keys;
  const [first, second, third] = proofs;
  if (!local || !notified || !polled || !first || !second || !third) throw new Error("bug: three keys");

  await complete(here, first, local);
  joined[0]?.leave();
  await complete(elsewhere, second, notified);
  await clock.advance(7);
  await notify();
  joined[1]?.leave();
  await complete(elsewhere, third, polled);
  await clock.advance(1_200);
  expect(woken.map(([path]) => path)).toEqual(["local", "notified", "polled"]);
  expect(woken.slice(0, 2).map(([, ms]) => ms)).toEqual([0, 7]);
});
