import { Client } from "pg";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { PostgresStore } from "../../../src/store/postgres/store.ts";
import type { Bench, Lease } from "../../store/bench.ts";
import { createTestDatabase, type TestDatabase } from "../../support/database.ts";
import { openStoreOn } from "../store/open-store.ts";
import { benchOn, complete, refusalOf, transaction } from "./stand.ts";

let database: TestDatabase;
let store: PostgresStore;
let client: Client;
let bench: Bench;
let lease: Lease;

beforeAll(async () => {
  database = await createTestDatabase();
  store = await openStoreOn(database.url);
  client = await connect();
  await client.query("create table ledger (entry text)");
});

afterAll(async () => {
  await client.end();
  await store.close();
  await database.drop();
});

beforeEach(async () => {
  bench = benchOn(store);
  lease = await bench.acquire();
});

afterEach(() => client.query("reset all"));

async function connect(): Promise<Client> {
  const made = new Client({ connectionString: database.ownerUrl });
  await made.connect();
  return made;
}

const show = async (name: string) => (await client.query(`show ${name}`)).rows[0]?.[name];

/** A setting within the transaction, once the attempt is completed. */
const settingAfter = (name: string) =>
  transaction(client, async () => {
    await complete(client, bench.key, lease);
    return show(name);
  });

describe("a transaction that completes", () => {
  test.each([
    ["off", "on"],
    ["local", "on"],
    ["remote_write", "on"],
    ["on", "on"],
    ["remote_apply", "remote_apply"],
  ])("waits for disk and standby where synchronous_commit is %s, and others go on as they did", async (set, used) => {
    await client.query(`set synchronous_commit = ${set}`);
    expect(await settingAfter("synchronous_commit")).toBe(used);
    expect(await show("synchronous_commit")).toBe(set);
  });

  test.each([
    ["0", "5s"],
    ["1d", "5s"],
    ["5001ms", "5s"],
    ["5s", "5s"],
    ["70ms", "70ms"],
  ])("may lie idle for five seconds at most where it might for %s, and others as they did", async (set, used) => {
    await client.query(`set idle_in_transaction_session_timeout = '${set}'`);
    expect(await settingAfter("idle_in_transaction_session_timeout")).toBe(used);
    expect(await show("idle_in_transaction_session_timeout")).toBe(set);
  });

  test("is rolled back when it lies idle, and the record is free again", async () => {
    const idle = await connect();
    const ended = new Promise<Error>((resolve) => idle.on("error", resolve));
    // What is shorter is kept, and how long it takes is Postgres's.
    await idle.query("set idle_in_transaction_session_timeout = '50ms'");
    await idle.query("begin");
    await complete(idle, bench.key, lease);
    expect(await ended).toMatchObject({ code: "25P03" });
    expect(await bench.heartbeat(lease)).toBe("extended");
  });

  test("takes texts from columns of any collation", async () => {
    await client.query('create table named (scope text collate "und-x-icu", key text collate "und-x-icu")');
    await client.query("insert into named values ($1, $2)", [bench.key.scope, bench.key.key]);
    const done = await client.query(
      "select done.* from named n, holdfast.complete_in_transaction('default', n.scope, n.key, $1, $2, '1') done",
      [Buffer.from(lease.token), lease.fence],
    );
    expect(done.rows).toMatchObject([{ already_applied: false }]);
  });
});

describe("a completion that is repeated", () => {
  const write = async () => {
    await client.query("insert into ledger values ($1)", [bench.key.key]);
    return complete(client, bench.key, lease);
  };
  const entries = async () => (await client.query("select from ledger where entry = $1", [bench.key.key])).rowCount;

  test("by a transaction that is run again is refused, and what that wrote goes with it", async () => {
    await transaction(client, write);
    expect(await refusalOf(transaction(client, write))).toBe(
      "LF010 ALREADY_APPLIED: this attempt was completed before, with the same result, and not by this transaction",
    );
    expect(await entries()).toBe(1);
    expect((await bench.peek()).state).toBe("completed");
  });

  test("by the very transaction that has made it is told so, whatever savepoints are between", async () => {
    await transaction(client, async () => {
      await client.query("savepoint one");
      await write();
      await client.query("release savepoint one");
      const other = benchOn(store);
      await complete(client, other.key, await other.acquire());
      await client.query("savepoint two");
      expect(await complete(client, bench.key, lease)).toMatchObject({ already_applied: true });
      await client.query("rollback to savepoint two");
      expect(await complete(client, bench.key, lease)).toMatchObject({ already_applied: true });
    });
    expect(await entries()).toBe(1);
  });

  test("after a rollback to a savepoint is none: it is the first one", async () => {
    await transaction(client, async () => {
      await client.query("savepoint one");
      await write();
      await client.query("rollback to savepoint one");
      expect(await write()).toMatchObject({ already_applied: false });
    });
    expect(await entries()).toBe(1);
  });

  test("after a rollback of the whole transaction is none either", async () => {
    await client.query("begin");
    await write();
    await client.query("rollback");
    expect(await transaction(client, write)).toMatchObject({ already_applied: false });
    expect(await entries()).toBe(1);
  });
});
