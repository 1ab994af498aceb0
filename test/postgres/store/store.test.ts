import { randomUUID } from "node:crypto";
import pg from "pg";
import { afterAll, beforeAll, expect, test } from "vitest";
import { systemClock } from "../../../src/clock.ts";
import { silentObserver } from "../../../src/store/observer.ts";
import type { PostgresStore } from "../../../src/store/postgres/store.ts";
import { createTestDatabase, type TestDatabase } from "../../support/database.ts";
import { claimOf, finishOf, freshToken, NO_FINGERPRINT } from "../../support/records.ts";
import { claimWords, tally } from "../../support/words.ts";
import { openStoreOn } from "./open-store.ts";

const NEVER = Number.POSITIVE_INFINITY;

let database: TestDatabase;
let stores: readonly PostgresStore[];
let sent: string[] = [];
beforeAll(async () => {
  database = await createTestDatabase();
  const observer = { ...silentObserver, batchSent: (statement: string) => void sent.push(statement) };
  const open = () => openStoreOn(database.url, { observer });
  stores = [await open(), await open(), await open()];
});
afterAll(async () => {
  await Promise.all(stores.map((store) => store.close()));
  await database.drop();
});

const freshKey = () => ({ tenant: "default", scope: "orders", key: randomUUID() });
const strangers = (key: ReturnType<typeof freshKey>, count: number) =>
  Array.from({ length: count }, () => claimOf({ key, claimId: randomUUID(), token: freshToken() }));
const storeAt = (i: number) => stores[i % stores.length] as PostgresStore;

test("of 1 000 parallel claims of one key over three stores one acquires, in a handful of statements", async () => {
  const key = freshKey();
  sent = [];
  const answers = await Promise.all(strangers(key, 1_000).map((call, i) => storeAt(i).claim(call, NEVER)));
  expect(tally(answers.map(claimWords))).toEqual({ "acquired new": 1, "in-progress": 999 });
  expect(sent.length).toBeLessThanOrEqual(3 * stores.length);
});

test("300 parallel replays of one key are one read in each store", async () => {
  const key = freshKey();
  const first = await storeAt(0).claim(claimOf({ key }), NEVER);
  if (first.kind !== "acquired") throw new Error("not acquired");
  await storeAt(0).finish(finishOf({ key, proof: first.record.lease }), NEVER);
  sent = [];
  const answers = await Promise.all(strangers(key, 300).map((call, i) => storeAt(i).claim(call, NEVER)));
  expect(tally(answers.map(claimWords))).toEqual({ completed: 300 });
  expect(sent).toEqual(["claim", "claim", "claim"]);
});

test("parallel claims of one key with other payloads, their own claim_ids and no right to acquire get their own answers", async () => {
  const key = freshKey();
  const holder = claimOf({ key, claimId: randomUUID(), token: freshToken() });
  const [stranger] = strangers(key, 1);
  if (stranger === undefined) throw new Error("bug: no stranger");
  const calls = [
    holder,
    { ...stranger, fingerprint: NO_FINGERPRINT },
    { ...stranger, reuse: "reject" as const },
    { ...stranger, mayAcquire: "nothing" as const },
    { ...holder, token: freshToken() },
  ];
  const answers = await Promise.all(calls.map((call) => storeAt(0).claim(call, NEVER)));
  expect(answers.map(claimWords)).toEqual([
    "acquired new",
    "FINGERPRINT_MISMATCH",
    "RECORD_EXISTS",
    "in-progress",
    "acquired reattached",
  ]);
});

const { policy } = claimOf();

test.each([
  ["a fraction for its lease", { leaseMs: 1.5 }],
  ["no number for its lease", { leaseMs: Number.NaN }],
  ["a fraction of an attempt", { policy: { ...policy, maxAttempts: 1.5 } }],
  ["more attempts than the column holds", { policy: { ...policy, maxAttempts: 2 ** 31 } }],
  ["a retention that is not known exactly", { policy: { ...policy, resultRetentionMs: 2 ** 60 } }],
  ["half of a surrogate pair in its reference", { externalRef: "\ud800" }],
  ["U+0000 in its reference", { externalRef: "a\0" }],
] as const)(
  "a claim with %s fails alone, and those of other tenants that share its batch are answered",
  async (_, change) => {
    const calls = Array.from({ length: 8 }, (_, i) => claimOf({ key: { ...freshKey(), tenant: `mate-${i}` } }));
    const [bad, ...mates] = await Promise.allSettled(
      [{ ...claimOf({ key: freshKey() }), ...change }, ...calls].map((call) => storeAt(0).claim(call, NEVER)),
    );
    expect(bad).toMatchObject({ status: "rejected", reason: { code: "INTERNAL" } });
    expect(mates.map((mate) => mate.status === "fulfilled" && claimWords(mate.value))).toEqual(
      new Array(8).fill("acquired new"),
    );
  },
);

test("a store that is closed answers what it has and refuses what comes", async () => {
  const store = await openStoreOn(database.url);
  const under = store.claim(claimOf({ key: freshKey() }), NEVER);
  await store.close();
  expect(claimWords(await under)).toBe("acquired new");
  await expect(store.claim(claimOf({ key: freshKey() }), NEVER)).rejects.toMatchObject({ code: "STORE_UNAVAILABLE" });
});

test("a claim that acquired is told so while a record that shares its batch cannot be settled", async () => {
  const brief = { ...claimOf().policy, maxAttempts: 1 };
  const [usedUp, ...others] = [
    ...strangers(freshKey(), 1),
    ...Array.from({ length: 20 }, freshKey).flatMap((key) => strangers(key, 1)),
  ];
  if (usedUp === undefined) throw new Error("bug: no call");
  await storeAt(0).claim({ ...usedUp, policy: brief, leaseMs: 1 }, NEVER);
  await systemClock.sleep(5);
  const rival = new pg.Client({ connectionString: database.url });
  await rival.connect();
  await rival.query("begin");
  await rival.query("select from holdfast.record where key = $1 for update", [usedUp.key.key]);
  const soon = systemClock.monotonicMs() + 700;
  const settled = storeAt(0).claim({ ...usedUp, claimId: randomUUID(), token: freshToken(), policy: brief }, NEVER);
  const answers = await Promise.all(others.map((call) => storeAt(0).claim(call, soon)));
  expect(tally(answers.map(claimWords))).toEqual({ "acquired new": others.length });
  await rival.query("rollback");
  expect(claimWords(await settled)).toBe("failed");
  await rival.end();
});
