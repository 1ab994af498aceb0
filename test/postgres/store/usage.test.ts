import { afterAll, beforeAll, expect, test } from "vitest";
import { systemClock } from "../../../src/clock.ts";
import { createDatabase } from "../../../src/store/postgres/database.ts";
import { createUsageSource } from "../../../src/store/postgres/usage.ts";
import type { Store } from "../../../src/store/store.ts";
import { createTestDatabase } from "../../support/database.ts";
import { bytes, claimIdOf, claimOf, finishOf, freshToken } from "../../support/records.ts";
import { openStoreOn } from "./open-store.ts";

const NEVER = Number.POSITIVE_INFINITY;
const signal = new AbortController().signal;
const scope = new AsyncDisposableStack();
let url = "";
let store: Store;

beforeAll(async () => {
  const own = scope.adopt(await createTestDatabase(), (database) => database.drop());
  ({ url } = own);
  store = scope.adopt(await openStoreOn(url), (opened) => opened.close());
});
afterAll(() => scope.disposeAsync());

function open(pageRecords?: number) {
  const database = scope.adopt(createDatabase({ url, clock: systemClock, random: Math.random }), (opened) =>
    opened.close(),
  );
  const lane = database.lanes(1);
  return createUsageSource({ run: (work) => lane.run(0, work), ...(pageRecords !== undefined && { pageRecords }) });
}

async function claim(tenant: string, key: string, leaseMs = 60_000) {
  const call = claimOf({ key: { tenant, scope: "s", key }, claimId: claimIdOf(key), token: freshToken(), leaseMs });
  const answer = await store.claim(call, NEVER);
  if (answer.kind !== "acquired") throw new Error(answer.kind);
  return { key: call.key, proof: answer.record.lease };
}

test("records, bytes and leases of a tenant are counted over all pages, and no other tenant's", async () => {
  for (let i = 0; i < 7; i++) {
    const held = await claim("acme", `key ${i}`);
    if (i < 4) await store.finish(finishOf({ ...held, outcome: bytes("12345") }), NEVER);
  }
  await claim("acme", "z");
  await claim("other", "key 1");
  const expected = { liveRecords: 8, storedBytes: 20, leases: 4 };
  for (const page of [1, 2, 3, 8, 100]) expect(await open(page).measure("acme", signal)).toEqual(expected);
  expect(await open().measure("nobody", signal)).toEqual({ liveRecords: 0, storedBytes: 0, leases: 0 });
});

test("what one server has measured another knows, with its age", async () => {
  await claim("shared", "key");
  const [one, two] = [open(), open()];
  expect(await two.latest("shared")).toBeNull();
  await one.measure("shared", signal);
  const known = await two.latest("shared");
  expect(known?.usage).toEqual({ liveRecords: 1, storedBytes: 0, leases: 1 });
  expect(known?.ageMs).toBeGreaterThanOrEqual(0);
  await claim("shared", "key 2");
  await two.measure("shared", signal);
  expect((await one.latest("shared"))?.usage.liveRecords).toBe(2);
});

test("measuring that nobody wants any more ends between two pages", async () => {
  const gone = AbortSignal.abort(new Error("gone"));
  await expect(open(1).measure("acme", gone)).rejects.toThrow("gone");
});

test("a database that is away is a fault", async () => {
  const source = createUsageSource({ run: () => Promise.reject(new Error("ECONNREFUSED")) });
  await expect(source.latest("acme")).rejects.toThrow();
});
