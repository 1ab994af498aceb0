import { afterAll, beforeAll, expect, test } from "vitest";
import { AcquireReason, type ClaimResponse, RecordState } from "../../gen/holdfast/v1/idempotency_pb.ts";
import { createTestDatabase, type TestDatabase } from "../support/database.ts";
import { startTcpProxy, targetOf } from "../support/tcp-proxy.ts";
import { newClaimId, newKey } from "./callers.ts";
import { sumOf, untilSumIs } from "./metrics-page.ts";
import { CALLS, openPair, release, untilNobodyWaits } from "./server-pair.ts";
import { type Ghosts, openGhosts } from "./vanishing.ts";
import {
  type Caller,
  claimOf,
  handleOf,
  hold,
  type Key,
  LONG,
  leaseOf,
  look,
  newKeys,
  until,
} from "./waiting-calls.ts";

const PROMOTED = "holdfast_promotions_total";
const GIVEN_BACK = "holdfast_promotions_given_back_total";
const FINISHES = 'holdfast_batch_rows_sum{statement="finish"}';
/** What is promised of callers who vanish without a word. */
const GONE_MS_MAX = 40_000;

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database?.drop());

/** Neither locked nor counted: it is available with these attempts behind it, and a fresh claim has it at once. */
async function expectFree(caller: Caller, key: Key, attempt: number): Promise<void> {
  expect(await look(caller, key)).toMatchObject({ state: RecordState.AVAILABLE, attempt });
  expect(leaseOf(await caller.claim(claimOf(key)))).toMatchObject({ attempt: attempt + 1 });
}

test.concurrent("200 callers who vanish while they wait are gone within 40 s, and keep and count nothing, also those who were promoted", async () => {
  await using pair = await openPair(database.url);
  const { servers, callers } = pair;
  await using ofHeld = await openGhosts(...servers);
  await using ofReleased = await openGhosts(...servers);
  await using ofLapsing = await openGhosts(...servers);
  const [held, released, lapsing] = [newKeys(10), newKeys(15), newKeys(15)];
  const summon = (ghosts: Ghosts, keys: readonly Key[]) => {
    for (const [i, key] of keys.entries()) for (let j = 0; j < 5; j++) ghosts.claim(key, (i + j) % 2);
  };
  const heldBy = await Promise.all(held.map((key) => hold(callers[0], key)));
  const releasedBy = await Promise.all(released.map((key) => hold(callers[0], key)));
  summon(ofHeld, held);
  summon(ofReleased, released);
  await untilSumIs(servers, CALLS, 125);
  const before = await Promise.all(held.map((key) => look(callers[0], key)));
  await Promise.all(lapsing.map((key) => hold(callers[0], key, 8)));
  summon(ofLapsing, lapsing);
  await untilSumIs(servers, CALLS, 200);

  for (const ghosts of [ofHeld, ofReleased, ofLapsing]) ghosts.vanish();
  const vanishedMs = performance.now();
  expect(await sumOf(servers, PROMOTED)).toBe(0);
  await Promise.all(releasedBy.map((handle, i) => release(callers[i % 2 === 0 ? 0 : 1], handle)));
  await untilNobodyWaits(servers);
  const goneMs = performance.now() - vanishedMs;
  expect(goneMs).toBeLessThan(GONE_MS_MAX);

  const promotions = await sumOf(servers, PROMOTED);
  expect(promotions).toBeGreaterThanOrEqual(released.length + lapsing.length);
  await untilSumIs(servers, GIVEN_BACK, promotions);
  expect([ofHeld.ended, ofReleased.ended, ofLapsing.ended]).toEqual([0, 0, 0]);
  expect(await Promise.all(held.map((key) => look(callers[1], key)))).toEqual(before);
  await Promise.all(heldBy.map((handle) => callers[1].heartbeat({ handle })));
  for (const key of released) await expectFree(callers[1], key, 0);
  for (const key of lapsing) await expectFree(callers[1], key, 1);
});

test.concurrent("a lease that a vanished caller of one server gives back goes to one of another server who vanished later, and is given back again", async () => {
  await using pair = await openPair(database.url);
  const [one, other] = pair.servers;
  const { callers } = pair;
  await using early = await openGhosts(one);
  await using late = await openGhosts(other);
  const keys = newKeys(5);
  const holders = await Promise.all(keys.map((key) => hold(callers[0], key)));
  for (const key of keys) early.claim(key);
  await untilSumIs([one], CALLS, keys.length);
  early.vanish();
  await Promise.all(holders.map((handle) => release(callers[0], handle)));
  await untilSumIs([one], PROMOTED, keys.length);
  const first = await Promise.all(keys.map((key) => look(callers[0], key)));
  expect(first).toMatchObject(keys.map(() => ({ state: RecordState.IN_PROGRESS, attempt: 1 })));

  for (const key of keys) late.claim(key);
  await untilSumIs([other], CALLS, keys.length);
  expect(await sumOf([one], GIVEN_BACK)).toBe(0);
  late.vanish();
  await untilSumIs([other], PROMOTED, keys.length);
  await untilSumIs([one], GIVEN_BACK, keys.length);
  const second = await Promise.all(keys.map((key) => look(callers[0], key)));
  expect(second).toMatchObject(keys.map(() => ({ state: RecordState.IN_PROGRESS, attempt: 1 })));
  for (const [i, { fence }] of second.entries()) expect(fence).toBeGreaterThan(first[i]?.fence ?? fence);

  await untilSumIs([other], GIVEN_BACK, keys.length);
  expect(await sumOf(pair.servers, PROMOTED)).toBe(2 * keys.length);
  expect([early.ended, late.ended]).toEqual([0, 0]);
  await untilNobodyWaits(pair.servers);
  for (const key of keys) await expectFree(callers[1], key, 0);
});

test.concurrent("a caller who moved to another server is reattached at once to what his ghost was promoted to, and keeps it", async () => {
  await using proxy = await startTcpProxy(targetOf(database.url));
  await using pair = await openPair(database.url, proxy.url(database.url));
  const [one, other] = pair.servers;
  const [staying, moving] = pair.callers;
  await using ghosts = await openGhosts(one);
  const again = ([key, claimId]: Claimed) => moving.claim(claimOf(key, { wait: 60, claimId }), LONG);
  const [before, after] = [newClaims(10), newClaims(10)];
  const left: Claimed = [newKey(), newClaimId()];
  const all = [...before, ...after, left];
  const holders = await Promise.all(all.map(([key]) => hold(staying, key)));
  for (const [key, claimId] of all) ghosts.claim(key, 0, claimId);
  await untilSumIs([one], CALLS, all.length);
  ghosts.vanish();

  // These have moved before the release, and those come after it. The last one never comes.
  const waited = before.map(again);
  await untilSumIs([other], CALLS, before.length);
  // Else the two servers race for what is released, and a ghost has nothing to give back where his own won.
  proxy.hold();
  await Promise.all(holders.map((handle) => release(staying, handle)));
  await untilSumIs([one], PROMOTED, all.length);
  const promoted = await Promise.all(all.map(([key]) => look(staying, key)));
  proxy.release();
  const answers = await Promise.all([...waited, ...after.map(again)]);
  expect(answers.map(reasonOf)).toEqual(answers.map(() => AcquireReason.REATTACHED));
  expect(answers.map((answer) => leaseOf(answer).fence)).toEqual(promoted.slice(0, -1).map(({ fence }) => fence));
  expect(await sumOf([one], GIVEN_BACK)).toBe(0);

  // Until the ghosts' server has tried to give back all that they were promoted to.
  await until(async () => (await sumOf([one], FINISHES)) >= holders.length + all.length);
  await until(async () => (await look(moving, left[0])).state === RecordState.AVAILABLE);
  await untilNobodyWaits(pair.servers);
  expect(await sumOf(pair.servers, GIVEN_BACK)).toBe(1);
  expect(ghosts.ended).toBe(0);
  for (const answer of answers) {
    const handle = handleOf(answer);
    await moving.heartbeat({ handle });
    const result = { body: { case: "omittedReason" as const, value: "" } };
    expect(await staying.complete({ handle, result })).toMatchObject({ late: false, alreadyApplied: false });
  }
});

type Claimed = readonly [key: Key, claimId: string];

const newClaims = (count: number) => newKeys(count).map((key): Claimed => [key, newClaimId()]);

function reasonOf({ detail }: ClaimResponse): AcquireReason {
  return detail.case === "acquired" ? detail.value.reason : AcquireReason.UNSPECIFIED;
}
