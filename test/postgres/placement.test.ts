import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { systemClock } from "../../src/clock.ts";
import type { RecordKey } from "../../src/domain/key.ts";
import { withClient } from "../../src/store/postgres/connection.ts";
import { createDatabase } from "../../src/store/postgres/database.ts";
import { migrate } from "../../src/store/postgres/migrate.ts";
import { createEmptyDatabase, createTestDatabase, type TestDatabase } from "../support/database.ts";
import { POLICY } from "../support/records.ts";
import { startTcpProxy, targetOf } from "../support/tcp-proxy.ts";
import { createOnlooker } from "../support/waiting.ts";
import { complete, hold, messagesOf, NEVER, newKey, openStand, troublesOf, until, untilUp } from "./placement-stand.ts";

const OPEN = "the placement is open";
const NOT_OPEN = "the placement cannot be opened; it is tried again";
const AWAY = "the database does not answer";
const BACK = "the database answers again";
const UNAVAILABLE = { code: "STORE_UNAVAILABLE" };

let main: TestDatabase;
let eu: TestDatabase;
beforeAll(async () => {
  main = await createTestDatabase();
  eu = await createTestDatabase();
});
afterAll(() => Promise.all([main?.drop(), eu?.drop()]));

/** Through a proxy, so that it can be cut off. */
async function cutOff(database: TestDatabase) {
  const proxy = await startTcpProxy(targetOf(database.url));
  return { proxy, url: proxy.url(database.url) };
}

async function rowsOf(url: string, { key }: RecordKey): Promise<number> {
  return withClient({ url }, async (client) => {
    const { rowCount } = await client.query("select from holdfast.record where key = $1", [key]);
    return rowCount ?? 0;
  });
}

function openDatabase(url: string) {
  return createDatabase({ url, clock: systemClock, random: Math.random });
}

describe("a cluster that is down when the server starts", () => {
  test("holds up nobody else's calls, and serves without a restart when it comes", async () => {
    const { proxy, url } = await cutOff(eu);
    await using _ = proxy;
    await proxy.refuse();
    await using stand = await openStand({ main: main.url, others: { eu: url } });
    const key = newKey();
    await hold(stand.placements.main.store, key);
    for (let i = 0; i < 3; i++) await expect(hold(stand.of("eu").store, key)).rejects.toMatchObject(UNAVAILABLE);
    expect(stand.readiness.report().placements).toEqual({ main: "up", eu: "down" });
    await until(() => troublesOf(stand, "eu").length > 0);
    expect(troublesOf(stand, "eu")).toEqual([expect.stringContaining("(--placements): connect ECONNREFUSED")]);
    expect(stand.of("eu").status()).toMatchObject({ reachable: false, connections: 0, open: 0 });

    await proxy.accept();
    await untilUp(stand, "eu");
    await hold(stand.of("eu").store, key);
    await until(() => stand.of("eu").status().waiting.mode === "notified");
    expect(messagesOf(stand, "eu")).toEqual([NOT_OPEN, OPEN]); // Tried many times, said once.
    expect(messagesOf(stand, "main")).toEqual([]);
    // Two more than another cluster: where tenants are looked up, and where they are changed.
    expect(stand.placements.main.status().connections).toBe(stand.of("eu").status().connections + 2);
  });

  test("lets those wait who want to, and shows them the record when it comes", async () => {
    const { proxy, url } = await cutOff(eu);
    await using _ = proxy;
    await proxy.refuse();
    await using stand = await openStand({ main: main.url, others: { eu: url } });
    const onlooker = createOnlooker();
    stand.of("eu").hub.join(newKey(), onlooker);
    await proxy.accept();
    await until(() => onlooker.seen.length > 0);
    expect(onlooker.states).toEqual([null]);
  });

  test("that is main's keeps the server from starting, however many others there are", async () => {
    const { proxy, url } = await cutOff(main);
    await using _ = proxy;
    await proxy.refuse();
    await expect(openStand({ main: url, others: { eu: eu.url }, args: ["--database-wait", "0"] })).rejects.toThrow(
      /^cannot reach the database .*\(--database-url\)/,
    );
  });

  test("and says nothing at all holds up neither the start nor the stop", async () => {
    const { proxy, url } = await cutOff(eu);
    await using _ = proxy;
    proxy.hold();
    const stand = await openStand({ main: main.url, others: { eu: url } });
    await until(() => proxy.connections > 0);
    await stand[Symbol.asyncDispose]();
    await expect(hold(stand.of("eu").store, newKey())).rejects.toMatchObject(UNAVAILABLE);
    await expect(hold(stand.placements.main.store, newKey())).rejects.toMatchObject(UNAVAILABLE);
  });
});

test("a cluster that is cut off with calls under way takes down its own tenants only, and comes back by itself", async () => {
  const { proxy, url } = await cutOff(eu);
  await using _ = proxy;
  await using stand = await openStand({ main: main.url, others: { eu: url } });
  await untilUp(stand, "eu");
  await hold(stand.of("eu").store, newKey());

  proxy.hold("to-client");
  const key = newKey();
  const underWay = hold(stand.of("eu").store, key);
  underWay.catch(() => undefined);
  await until(async () => (await rowsOf(eu.url, key)) === 1); // It is done, and its answer is on the way.
  await proxy.refuse();
  proxy.cut();
  await expect(underWay).rejects.toMatchObject(UNAVAILABLE);
  for (let i = 0; i < 10; i++) await hold(stand.placements.main.store, newKey());
  await until(() => stand.readiness.report().placements["eu"] === "down");
  await expect(hold(stand.of("eu").store, newKey())).rejects.toMatchObject(UNAVAILABLE);
  expect(stand.readiness.report()).toMatchObject({
    checks: { database: true },
    placements: { main: "up", eu: "down" },
  });

  proxy.release();
  await proxy.accept();
  await untilUp(stand, "eu");
  await until(() => hold(stand.of("eu").store, newKey()).then(...YES_OR_NO));
  const told = messagesOf(stand, "eu").filter((message) => [OPEN, AWAY, BACK].includes(message));
  expect(told).toEqual([OPEN, AWAY, BACK]);
  expect(messagesOf(stand, "main")).toEqual([]);
});

const YES_OR_NO = [() => true, () => false] as const;

test("who waits is told by the servers of the cluster where the record is, and of that record alone", async () => {
  const others = { eu: eu.url };
  await using here = await openStand({ main: main.url, others });
  await using there = await openStand({ main: main.url, others });
  for (const stand of [here, there]) {
    await untilUp(stand, "eu");
    await until(
      () => stand.placements.waitingMode() === "notified" && stand.of("eu").status().waiting.mode === "notified",
    );
  }
  const key = newKey(); // The same in both clusters.
  const seen = { main: createOnlooker(), eu: createOnlooker() };
  const proofs = { main: await hold(there.of("main").store, key), eu: await hold(there.of("eu").store, key) };
  for (const name of ["main", "eu"] as const) {
    here.of(name).hub.join(key, seen[name]);
    await until(async () => (await there.of(name).store.peek(key, NEVER)).record?.hasWaiters === true);
    await until(() => seen[name].seen.length > 0);
  }
  await complete(there.of("eu").store, key, proofs.eu);
  await until(() => seen.eu.states.at(-1) === "completed");
  expect(here.wakes).toEqual(["notified"]);
  expect(seen.main.states.at(-1)).toBe("in-progress");

  here.placements.drain();
  expect([seen.main.isDismissed, seen.eu.isDismissed]).toEqual([true, true]);
});

test("every cluster is swept", async () => {
  await using stand = await openStand({ main: main.url, others: { eu: eu.url }, args: ["--sweep-interval", "100ms"] });
  await untilUp(stand, "eu");
  const key = newKey();
  const policy = { ...POLICY, resultRetentionMs: 0, tombstoneRetentionMs: 0 };
  for (const name of ["main", "eu"]) {
    const { store } = stand.of(name);
    await complete(store, key, await hold(store, key, policy));
  }
  for (const { url } of [main, eu]) await until(async () => (await rowsOf(url, key)) === 0);
  await until(() => stand.forgotten === 2);
});

describe("a schema that this version does not know", () => {
  test("keeps its placement closed and nobody else's, until somebody has migrated it", async () => {
    const empty = await createEmptyDatabase();
    await using _ = { [Symbol.asyncDispose]: () => empty.drop() };
    await using stand = await openStand({ main: main.url, others: { late: empty.url } });
    await until(() => troublesOf(stand, "late").length > 0);
    expect(troublesOf(stand, "late")).toEqual([expect.stringContaining("Run: holdfast migrate")]);
    await hold(stand.placements.main.store, newKey());
    await expect(hold(stand.of("late").store, newKey())).rejects.toMatchObject(UNAVAILABLE);

    const applied = await withClient({ url: empty.url }, async (client) => {
      const names = await migrate(client);
      await client.query(
        "insert into holdfast.migration (version, name, checksum) values (9999, '9999_later.sql', '')",
      );
      return names;
    });
    expect(applied).not.toEqual([]);
    await until(() => troublesOf(stand, "late").length === 2);
    expect(troublesOf(stand, "late")[1]).toContain("use a newer holdfast");

    await withClient({ url: empty.url }, (client) =>
      client.query("delete from holdfast.migration where version = 9999"),
    );
    await untilUp(stand, "late");
    await hold(stand.of("late").store, newKey());
    expect(messagesOf(stand, "late")).toEqual([NOT_OPEN, NOT_OPEN, OPEN]);
  });

  test("is brought up to date with --migrate", async () => {
    const empty = await createEmptyDatabase();
    await using _ = { [Symbol.asyncDispose]: () => empty.drop() };
    await using stand = await openStand({ main: main.url, others: { fresh: empty.url }, args: ["--migrate"] });
    await untilUp(stand, "fresh");
    await hold(stand.of("fresh").store, newKey());
    expect(messagesOf(stand, "fresh")).toContain("applied a migration");
  });
});

describe("two placements that are one database", () => {
  test("are found whatever their addresses say, and the later one stays closed", async () => {
    const { proxy, url } = await cutOff(main);
    await using _ = proxy;
    const second = await cutOff(eu);
    await using __ = second.proxy;
    await using stand = await openStand({
      main: main.url,
      others: { copy: url, eu: eu.url, "eu-again": second.url },
    });
    await untilUp(stand, "eu");
    for (const [name, twin] of [
      ["copy", "main"],
      ["eu-again", "eu"],
    ] as const) {
      await until(() => troublesOf(stand, name).length > 0);
      expect(troublesOf(stand, name)).toEqual([expect.stringContaining(`the same database as the placement ${twin}`)]);
      await expect(hold(stand.of(name).store, newKey())).rejects.toMatchObject(UNAVAILABLE);
    }
    expect(stand.readiness.report().placements).toEqual({ main: "up", copy: "down", eu: "up", "eu-again": "down" });
  });

  test("are looked for without waiting for one that does not answer", async () => {
    const { proxy, url } = await cutOff(main);
    await using _ = proxy;
    proxy.hold();
    await using stand = await openStand({ main: main.url, others: { mute: url, eu: eu.url } });
    await untilUp(stand, "eu");
    expect(stand.readiness.report().placements).toEqual({ main: "up", mute: "down", eu: "up" });
  });
});

test("what the stores are wrapped in is below what wakes, and there once for each placement", async () => {
  const wrapped: string[] = [];
  const peeked: string[] = [];
  await using stand = await openStand({
    main: main.url,
    others: { eu: eu.url },
    decorate(store, name, run) {
      wrapped.push(name);
      expect(run).toBeTypeOf("function");
      return {
        ...store,
        peek(key, deadline) {
          peeked.push(name);
          return store.peek(key, deadline);
        },
      };
    },
  });
  await untilUp(stand, "eu");
  expect(wrapped).toEqual(["main", "eu"]);
  const onlooker = createOnlooker();
  stand.of("eu").hub.join(newKey(), onlooker);
  await until(() => onlooker.seen.length > 0);
  expect(new Set(peeked)).toEqual(new Set(["eu"]));
});

test("a database is reachable only while each group of lanes that is needed has one that is open", async () => {
  const { proxy, url } = await cutOff(eu);
  await using _ = proxy;
  const database = openDatabase(url);
  await using __ = { [Symbol.asyncDispose]: () => database.close() };
  const [first] = [database.lanes(2), database.lanes(1, { optional: true })];
  await database.opened();
  expect(database.status()).toMatchObject({ reachable: true, open: 3 });
  await proxy.refuse();
  database.lanes(1, { optional: true });
  expect(database.status()).toMatchObject({ reachable: true, lanes: 4, open: 3 });
  const late = database.lanes(2);
  await until(() => database.status().trouble !== null);
  expect(first.status().open).toBe(2);
  expect(database.status()).toMatchObject({ reachable: false, lanes: 6, open: 3 });
  await proxy.accept();
  await late.opened();
  expect(database.status().reachable).toBe(true);
});
