import { readdirSync, readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Session } from "../../../src/store/postgres/connection.ts";
import { createPostgresTenantKeyTable } from "../../../src/store/sealed/postgres/tenant-key-table.ts";
import { addTenantKey, rewrapTenantKeys } from "../../../src/store/sealed/rotation.ts";
import type { TenantKeys } from "../../../src/store/sealed/tenant-keys.ts";
import { wrapFreshKey } from "../../../src/store/sealed/wrapping.ts";
import { createBench } from "../../store/bench.ts";
import { bytes } from "../../support/records.ts";
import { keyTableContract } from "../../unit/store/sealed/key-table-contract.ts";
import { createTestRing, masterKeysOf, sealStore } from "../../unit/store/sealed/sealing.ts";
import { createScene, openSessions, type Sessions } from "./sessions.ts";

const folder = new URL("../../../src/store/sealed/postgres/", import.meta.url);

let sessions: Sessions;
beforeAll(async () => {
  sessions = await openSessions();
});
afterAll(() => sessions.close());

/** One at a time, as a lane does it. */
function tableOn(session: () => Session) {
  let last: Promise<unknown> = Promise.resolve();
  return createPostgresTenantKeyTable({
    run(work) {
      const turn = last.then(() => work(session()));
      last = turn.catch(() => undefined);
      return turn;
    },
  });
}

const tableA = tableOn(() => sessions.a);
const tableB = tableOn(() => sessions.b);

const secretsOf = ({ newest, fingerprints, ends }: TenantKeys) =>
  [newest().encryption, fingerprints, ends].map((key) => key.export().toString("hex"));

keyTableContract("the Postgres", () => tableA);

describe.each(readdirSync(folder).filter((file) => file.endsWith(".sql")))("%s", (file) => {
  const text = readFileSync(new URL(file, folder), "utf8");
  const parametersOf = (lines: readonly string[]) => [...new Set(lines.join("\n").match(/\$\d+/g))].sort();

  test("prepares, and its header names every parameter", async () => {
    await sessions.a.query({ name: "", text: `prepare checked as ${text}` }, []);
    await sessions.a.query({ name: "", text: "deallocate checked" }, []);
    const lines = text.split("\n");
    const isComment = (line: string) => line.startsWith("--");
    expect(parametersOf(lines.filter(isComment))).toEqual(parametersOf(lines.filter((line) => !isComment(line))));
  });
});

test("two servers that make a tenant's first key at once agree on one", async () => {
  const { race } = createScene(sessions);
  const [ringA, ringB] = [createTestRing({ table: tableA }), createTestRing({ table: tableB })];
  // The second one has found no key and waits for the first one's insert to be committed.
  const [keysA, keysB] = await race(
    async () => ringA.of("acme"),
    async () => ringB.of("acme"),
  );
  expect(secretsOf(keysB)).toEqual(secretsOf(keysA));
  expect((await tableA.read("acme")).length).toBe(1);
});

test("a server that has not heard of a new key asks for it when it meets it", async () => {
  const { storeA, storeB, key, a } = createScene(sessions);
  const [one, two] = [sealStore(storeA, { table: tableA }), sealStore(storeB, { table: tableB })];
  await Promise.all([one.ring.of(key.tenant), two.ring.of(key.tenant)]);
  const version = await addTenantKey({ table: tableA, masterKeys: masterKeysOf("main") }, key.tenant);
  const late = sealStore(storeA, { table: tableA });
  const under = { store: late.store, now: a.now, setNow: () => {}, close: async () => {} };
  const bench = createBench(under, key);
  await bench.finish(await bench.acquire(), "complete", { outcome: bytes("paid") });
  const replay = await createBench({ ...under, store: two.store }, key).claim();
  expect(replay).toMatchObject({ kind: "completed", record: { outcome: bytes("paid") } });
  expect((await two.ring.of(key.tenant)).newest().version).toBe(version);
});

test("a new master key takes over from the old one, in batches", async () => {
  const tenants = Array.from({ length: 7 }, (_, i) => `rewrapped-${i}`);
  const old = createTestRing({ table: tableA });
  const before = await Promise.all(tenants.map(async (tenant) => secretsOf(await old.of(tenant))));
  const masterKeys = masterKeysOf("new", "main", "other", "late");
  const rewrapped = await rewrapTenantKeys({ table: tableA, masterKeys }, { batchMax: 2 });
  expect(rewrapped).toMatchObject({ failed: 0, reasons: [] });
  expect(rewrapped.keys).toBeGreaterThanOrEqual(tenants.length);
  const now = createTestRing({ table: tableB, masterKeys: masterKeysOf("new") });
  expect(await Promise.all(tenants.map(async (tenant) => secretsOf(await now.of(tenant))))).toEqual(before);
});

test("a connection that is lost is a table that does not answer", async () => {
  const lost = await openSessions();
  try {
    const table = tableOn(() => lost.a);
    lost.a.drop(new Error("dropped by the test"));
    await expect(table.read("acme")).rejects.toMatchObject({ code: "STORE_UNAVAILABLE" });
    const key = wrapFreshKey(masterKeysOf("main").current, "acme", 9);
    await expect(table.add(key)).rejects.toMatchObject({ code: "STORE_UNAVAILABLE" });
  } finally {
    await lost.close();
  }
});
