import { expect, test } from "vitest";
import { addTenantKey, rewrapTenantKeys } from "../../../../src/store/sealed/rotation.ts";
import type { TenantKeyTable } from "../../../../src/store/sealed/tenant-key-table.ts";
import { createBench } from "../../../store/bench.ts";
import { openMemoryStore } from "../../../support/memory-store.ts";
import { bytes } from "../../../support/records.ts";
import { createMemoryKeyTable } from "./memory-key-table.ts";
import { createTestRing, masterKeysOf, sealStore } from "./sealing.ts";

const ALL = { tenant: "", version: 0 };
const MANY = 1_000;

const keyOf = (name: string) => ({ tenant: "acme", scope: "orders", key: name });
const versionOf = (stored: Uint8Array | null) => stored?.[5];

test("after a rotation old results open, and new ones are sealed with the new key, on every server", async () => {
  const raw = await openMemoryStore();
  const one = sealStore(raw.store);
  const [table, masterKeys] = [one.table, masterKeysOf("main")];
  const benchOf = (store: typeof one.store, name: string) => createBench({ ...raw, store }, keyOf(name));
  const complete = async (store: typeof one.store, name: string) => {
    const bench = benchOf(store, name);
    const lease = await bench.acquire();
    await bench.finish(lease, "complete", { outcome: bytes(name) });
    return lease;
  };
  const before = await complete(one.store, "before");

  expect(await addTenantKey({ table, masterKeys }, "acme")).toBe(2);
  const two = sealStore(raw.store, { table });
  await complete(two.store, "after");
  const stored = async (name: string) => versionOf((await createBench(raw, keyOf(name)).peek()).outcome);
  expect([await stored("before"), await stored("after")]).toEqual([1, 2]);

  for (const { store } of [one, two]) {
    for (const name of ["before", "after"]) {
      expect(await benchOf(store, name).claim()).toMatchObject({ kind: "completed", record: { outcome: bytes(name) } });
    }
    const again = benchOf(store, "before").finished(before, "complete", { outcome: bytes("before") });
    expect(await again, "ends are compared under the first key").toBe("already applied");
  }
  await complete(one.store, "later");
  expect(await stored("later"), "the first server has learned of the new key").toBe(2);
  expect([...one.alarms, ...two.alarms]).toEqual([]);
});

test("a tenant without keys has nothing to rotate, and gets none", async () => {
  const table = createMemoryKeyTable();
  expect(await addTenantKey({ table, masterKeys: masterKeysOf("main") }, "acme")).toBeNull();
  expect(await table.read("acme")).toEqual([]);
});

test("two rotations at once make one new key or two, and never lose one", async () => {
  const table = createMemoryKeyTable();
  const masterKeys = masterKeysOf("main");
  await createTestRing({ table }).of("acme");
  const versions = await Promise.all([1, 2].map(() => addTenantKey({ table, masterKeys }, "acme")));
  const kept = (await table.read("acme")).map(({ version }) => version);
  expect(kept).toEqual(expect.arrayContaining([1, ...versions]));
});

async function fillTable(tenants: readonly string[]) {
  const table = createMemoryKeyTable();
  const old = masterKeysOf("old");
  for (const tenant of tenants) {
    await createTestRing({ table, masterKeys: old }).of(tenant);
    await addTenantKey({ table, masterKeys: old }, tenant);
  }
  return table;
}

async function secretsOf(table: TenantKeyTable, tenants: readonly string[], ...masters: readonly string[]) {
  const ring = createTestRing({ table, masterKeys: masterKeysOf(...masters) });
  const keys = await Promise.all(tenants.map((tenant) => ring.of(tenant)));
  return keys.map(({ newest, fingerprints }) =>
    [newest().encryption, fingerprints].map((key) => key.export().toString("hex")),
  );
}

test("rewrapping leaves every key as it is, under the new master key alone", async () => {
  const tenants = ["a", "b", "c", "d", "e"];
  const table = await fillTable(tenants);
  const before = await secretsOf(table, tenants, "old");
  const masterKeys = masterKeysOf("new", "old");
  expect(await rewrapTenantKeys({ table, masterKeys }, { batchMax: 3 })).toEqual({ keys: 10, failed: 0, reasons: [] });
  expect(await table.wrappedByOthers("new", ALL, MANY)).toEqual([]);
  expect(await secretsOf(table, tenants, "new")).toEqual(before);
  expect(await rewrapTenantKeys({ table, masterKeys }, { batchMax: 3 })).toEqual({ keys: 0, failed: 0, reasons: [] });
});

test("rewrapping that is stopped goes on with what is left", async () => {
  const tenants = ["a", "b", "c"];
  const table = await fillTable(tenants);
  const before = await secretsOf(table, tenants, "old");
  const masterKeys = masterKeysOf("new", "old");
  const stopping = new AbortController();
  const stopped = new Error("stopped");
  let replaced = 0;
  const stoppingTable: TenantKeyTable = {
    ...table,
    async replace(key, after) {
      if (++replaced === 4) stopping.abort(stopped);
      return table.replace(key, after);
    },
  };
  const first = rewrapTenantKeys({ table: stoppingTable, masterKeys }, { batchMax: 3, signal: stopping.signal });
  await expect(first).rejects.toBe(stopped);
  expect((await table.wrappedByOthers("new", ALL, MANY)).length).toBe(2);
  expect(await secretsOf(table, tenants, "new", "old"), "servers with both go on meanwhile").toEqual(before);
  expect(await rewrapTenantKeys({ table, masterKeys }, { batchMax: 3 })).toMatchObject({ keys: 2, failed: 0 });
  expect(await secretsOf(table, tenants, "new")).toEqual(before);
});

test("two who rewrap at once count each key once", async () => {
  const tenants = ["a", "b", "c"];
  const table = await fillTable(tenants);
  const masterKeys = masterKeysOf("new", "old");
  const rewrapped = await Promise.all([1, 2].map(() => rewrapTenantKeys({ table, masterKeys }, { batchMax: 2 })));
  expect(rewrapped.reduce((sum, { keys }) => sum + keys, 0)).toBe(6);
  expect(await table.wrappedByOthers("new", ALL, MANY)).toEqual([]);
});

test("keys whose master key is not there are left as they are, counted, and named for people", async () => {
  const table = await fillTable(Array.from({ length: 15 }, (_, i) => `lost-${i}`));
  const foreign = masterKeysOf("foreign");
  await createTestRing({ table, masterKeys: foreign }).of("kept");
  const before = await table.wrappedByOthers("new", ALL, MANY);
  const masterKeys = masterKeysOf("new", "foreign");
  const rewrapped = await rewrapTenantKeys({ table, masterKeys }, { batchMax: 4 });
  expect(rewrapped).toMatchObject({ keys: 1, failed: 30 });
  expect(rewrapped.reasons.length).toBe(20);
  expect(rewrapped.reasons[0]).toBe("key 1 of tenant lost-0 was wrapped with master key old, which is not configured");
  const after = await table.wrappedByOthers("new", ALL, MANY);
  expect(after).toEqual(before.filter(({ tenant }) => tenant !== "kept"));
});
