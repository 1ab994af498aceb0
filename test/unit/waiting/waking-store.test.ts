import { randomUUID } from "node:crypto";
import { beforeEach, describe, expect, test } from "vitest";
import { Fault } from "../../../src/domain/fault.ts";
import type { RecordKey } from "../../../src/domain/key.ts";
import type { Proof } from "../../../src/domain/record.ts";
import { createMemoryStore } from "../../../src/store/memory.ts";
import type { Store } from "../../../src/store/store.ts";
import { type WakeId, wakeId } from "../../../src/waiting/wake-id.ts";
import { createWakingStore } from "../../../src/waiting/waking-store.ts";
import { OPERATOR, QUERY, releaseRecord, resetRecord, resolveRecord } from "../../support/operating.ts";
import {
  bytes,
  claimIdOf,
  claimOf,
  finishOf,
  flagAsItIs,
  freshToken,
  heartbeatOf,
  NOW,
  POLICY,
} from "../../support/records.ts";
import { createStoppingStore, type StoppingStore } from "../../support/waiting.ts";
import { settled } from "../store/manual-clock.ts";
import { KEY } from "./hub-scene.ts";

let now = NOW;
let below: StoppingStore;
let store: Store;
let woken: RecordKey[] = [];
let told: WakeId[] = [];

beforeEach(() => {
  now = NOW;
  [woken, told] = [[], []];
  below = createStoppingStore(createMemoryStore({ now: () => now, newToken: freshToken }));
  const hub = { wake: (key: RecordKey) => void woken.push(key) };
  store = createWakingStore({ store: below.store, hub, notifier: { notify: (id) => void told.push(id) } });
});

const claim = async (name: string, change: Parameters<typeof claimOf>[0] = {}): Promise<Proof> => {
  const answer = await store.claim(claimOf({ claimId: claimIdOf(name), ...change }), Infinity);
  if (answer.kind !== "acquired") throw new Error(`expected acquired, not ${answer.kind}`);
  return answer.record.lease;
};

/** Claims, and forgets that this was told of. */
const hold = async (isFlagged: boolean, change: Parameters<typeof claimOf>[0] = {}): Promise<Proof> => {
  const proof = await claim("holder", change);
  if (isFlagged) expect(await flagAsItIs(store, KEY)).toBe(true);
  [woken, told] = [[], []];
  return proof;
};

const changes: Record<string, (proof: Proof) => Promise<unknown>> = {
  complete: (proof) => store.finish(finishOf({ proof }), Infinity),
  "fail retryable": (proof) => store.finish(finishOf({ proof, kind: "retryable" }), Infinity),
  "fail terminal": (proof) => store.finish(finishOf({ proof, kind: "terminal" }), Infinity),
  "fail outcome-unknown": (proof) => store.finish(finishOf({ proof, kind: "outcome-unknown" }), Infinity),
  "fail not-started": (proof) => store.finish(finishOf({ proof, kind: "not-started", outcome: null }), Infinity),
  "a checkpoint": (proof) =>
    store.heartbeat(heartbeatOf({ proof, checkpoint: { sequence: 1n, encoded: bytes("half") } }), Infinity),
  progress: (proof) => store.heartbeat(heartbeatOf({ proof, progress: bytes("50 %") }), Infinity),
  "an external reference": (proof) => store.heartbeat(heartbeatOf({ proof, externalRef: "tx-1" }), Infinity),
  "a takeover": () => {
    now += 31_000_000;
    return claim("other");
  },
  "the settling of used-up attempts": () => {
    now += 31_000_000;
    return store.claim(claimOf({ claimId: claimIdOf("other") }), Infinity);
  },
};

describe.each(Object.keys(changes))("%s", (name) => {
  const policy = name.startsWith("the settling") ? { policy: { ...POLICY, maxAttempts: 1 } } : {};
  const change = (proof: Proof) => changes[name]?.(proof);

  test("wakes this server, and the others if the record is flagged", async () => {
    await change(await hold(true, policy));
    expect(woken).toEqual([KEY]);
    expect(told).toEqual([wakeId(KEY)]);
  });

  test("notifies nobody of a record that nobody waits for", async () => {
    await change(await hold(false, policy));
    expect(woken).toEqual([KEY]);
    expect(told).toEqual([]);
  });
});

const operators: Readonly<Record<string, () => Promise<unknown>>> = {
  release: () => releaseRecord(store, KEY),
  resolution: async () => {
    now += 31_000_000;
    await resolveRecord(store, KEY, { kind: "not-done" });
  },
  reset: () => resetRecord(store, KEY, true),
  purge: () => store.purge({ ...OPERATOR, ...KEY, force: true, limit: 10, after: null }, Infinity),
};

test.each(Object.entries(operators))(
  "an operator's %s wakes all, whether or not somebody has flagged the record",
  async (_, change) => {
    await hold(false, { policy: { ...POLICY, hold: true } });
    await change();
    expect(woken).toEqual([KEY]);
    expect(told).toEqual([wakeId(KEY)]);
  },
);

test.each(Object.entries(operators))(
  "an operator's %s whose answer was lost wakes all who wait for the record: it may have been made",
  async (_, change) => {
    const lost = async (): Promise<never> => {
      throw new Fault("STORE_UNAVAILABLE", "The store does not answer.");
    };
    await hold(false, { policy: { ...POLICY, hold: true } });
    const hub = { wake: (key: RecordKey) => void woken.push(key) };
    const losing = { ...below.store, release: lost, resolve: lost, reset: lost, purge: lost };
    store = createWakingStore({ store: losing, hub, notifier: { notify: (id) => void told.push(id) } });
    await expect(change()).rejects.toMatchObject({ code: "STORE_UNAVAILABLE" });
    expect(woken).toEqual([KEY]);
    expect(told).toEqual([wakeId(KEY)]);
  },
);

test("a purge wakes those who wait for any of the records that it deleted, and for no other", async () => {
  const [other, held] = [
    { ...KEY, key: "other" },
    { ...KEY, key: "zzz held" },
  ];
  for (const key of [KEY, other, held]) await store.claim(claimOf({ key, claimId: randomUUID() }), Infinity);
  for (const key of [KEY, other]) await resetRecord(store, key, true);
  [woken, told] = [[], []];
  const { tenant, scope } = KEY;
  await store.purge({ ...OPERATOR, tenant, scope, key: null, force: false, limit: 10, after: null }, Infinity);
  expect(woken).toEqual([KEY, other]);
  expect(told).toEqual([wakeId(KEY), wakeId(other)]);
});

test("a first claim wakes those who wait for the absent record here", async () => {
  await claim("first");
  expect(woken).toEqual([KEY]);
  expect(told).toEqual([]);
});

const nothings: Record<string, (proof: Proof) => Promise<unknown>> = {
  "a bare extension": (proof) => store.heartbeat(heartbeatOf({ proof }), Infinity),
  "a reattached claim": () => store.claim(claimOf({ claimId: claimIdOf("holder"), token: freshToken() }), Infinity),
  "a claim that is told in progress": () => store.claim(claimOf(), Infinity),
  "a refused end": (proof) => store.finish(finishOf({ proof: { ...proof, fence: proof.fence + 1n } }), Infinity),
  "a refused heartbeat": (proof) =>
    store.heartbeat(heartbeatOf({ proof: { ...proof, fence: proof.fence - 1n }, progress: bytes("50 %") }), Infinity),
  "a release, a resolution and a reset that are refused": async () => {
    await store.release({ ...OPERATOR, key: KEY, fence: 1n }, Infinity);
    await resolveRecord(store, KEY, { kind: "not-done" });
    await resetRecord(store, KEY, false);
  },
  "a purge of a held record": () =>
    store.purge({ ...OPERATOR, ...KEY, force: false, limit: 10, after: null }, Infinity),
  "a list": () => store.list(QUERY, Infinity),
  "a look at its history": () => store.history({ key: KEY, withOutcomes: true }, Infinity),
  "a peek": () => store.peek(KEY, Infinity),
};

test.each(Object.keys(nothings))("%s wakes nobody", async (name) => {
  const proof = await hold(true);
  await nothings[name]?.(proof);
  expect([woken, told]).toEqual([[], []]);
});

test("the repeat of an end wakes again, for the first may have told nobody; a claim that is told of it wakes nobody", async () => {
  const proof = await hold(true);
  await store.finish(finishOf({ proof }), Infinity);
  [woken, told] = [[], []];
  await store.finish(finishOf({ proof }), Infinity);
  await store.claim(claimOf({ token: freshToken() }), Infinity);
  expect([woken, told]).toEqual([[KEY], [wakeId(KEY)]]);
});

test("a claim that the store has sent twice wakes, although the second was reattached to the first", async () => {
  const proof = await hold(true);
  await store.finish(finishOf({ proof, kind: "not-started" }), Infinity);
  [woken, told] = [[], []];
  const call = claimOf({ claimId: claimIdOf("sent twice"), token: freshToken() });
  await below.store.claim(call, Infinity);
  expect(await store.claim(call, Infinity)).toMatchObject({ kind: "acquired", reason: "reattached" });
  expect([woken, told]).toEqual([[KEY], [wakeId(KEY)]]);
});

test("a claim that finds the attempts used up long ago wakes nobody", async () => {
  await hold(true, { policy: { ...POLICY, maxAttempts: 1 } });
  now += 31_000_000;
  await store.claim(claimOf(), Infinity);
  [woken, told] = [[], []];
  now += 1;
  expect(await store.claim(claimOf(), Infinity)).toMatchObject({ kind: "failed" });
  expect([woken, told]).toEqual([[], []]);
});

test("nobody is woken before the change is durable", async () => {
  const proof = await hold(true);
  const stop = below.stop("after", "finish");
  const finished = store.finish(finishOf({ proof }), Infinity);
  await stop.reached;
  await settled();
  expect([woken, told]).toEqual([[], []]);
  stop.go();
  await finished;
  expect([woken, told]).toEqual([[KEY], [wakeId(KEY)]]);
});

test("a change that failed wakes nobody", async () => {
  const proof = await hold(true);
  const stop = below.stop("before", "finish");
  const finished = store.finish(finishOf({ proof }), Infinity);
  await stop.reached;
  stop.fail(new Error("no database"));
  await expect(finished).rejects.toThrow("no database");
  expect([woken, told]).toEqual([[], []]);
});
