import { randomBytes, randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import { Client } from "pg";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { withClient } from "../../../src/store/postgres/connection.ts";
import { grantsSql } from "../../../src/store/postgres/rights.ts";
import type { PostgresStore } from "../../../src/store/postgres/store.ts";
import { wakeId } from "../../../src/waiting/wake-id.ts";
import { createTestDatabase, type TestDatabase, withUser } from "../../support/database.ts";
import { flagAsItIs } from "../../support/records.ts";
import { expectRefused } from "../refused.ts";
import { openStoreOn } from "../store/open-store.ts";
import { benchOn, complete, refusalOf, transaction } from "./stand.ts";

let database: TestDatabase;
let store: PostgresStore;
let client: Client;

beforeAll(async () => {
  database = await createTestDatabase();
  store = await openStoreOn(database.url);
  client = new Client({ connectionString: database.ownerUrl });
  await client.connect();
});

afterAll(async () => {
  await client.end();
  await store.close();
  await database.drop();
});

describe("those who wait", () => {
  test.each([
    { tenant: "default", scope: "s", key: "k" },
    { tenant: "a", scope: "ä:1", key: "日本🙂" },
    { tenant: "t-1", scope: "x".repeat(128), key: "y".repeat(512) },
  ])("are notified by the name that servers know their record by (case %#)", async (key) => {
    const { rows } = await client.query("select holdfast.wake_id($1, $2, $3) as id", [key.tenant, key.scope, key.key]);
    expect(rows).toEqual([{ id: wakeId(key) }]);
  });

  test("are notified with the commit, and where nobody waits nobody is", async () => {
    const heard: (string | undefined)[] = [];
    client.on("notification", ({ payload }) => heard.push(payload));
    await client.query("listen holdfast");
    const [waited, lonely] = [benchOn(store), benchOn(store)];
    const leases = [await waited.acquire(), await lonely.acquire()] as const;
    await flagAsItIs(store, waited.key);
    await transaction(client, async () => {
      await complete(client, waited.key, leases[0]);
      await complete(client, lonely.key, leases[1]);
      await client.query("select");
      expect(heard).toEqual([]);
    });
    await client.query("unlisten holdfast");
    expect(heard).toEqual([wakeId(waited.key)]);
  });
});

describe("rights", () => {
  const role = `holdfast_app_${randomUUID().slice(0, 8)}`;
  const operations = readFileSync(new URL("../../../docs/operations.md", import.meta.url), "utf8");
  const [, section = ""] = operations.split("### Those who complete in their own transactions\n");
  const documented = /```sql\n(.*?)```/s.exec(section)?.[1]?.replaceAll("holdfast_app", role) ?? "";

  afterAll(() => client.query(`drop owned by ${role}; drop role ${role}`));

  test("what is documented lets an application complete what it holds, and nothing else", async () => {
    await client.query(documented);
    await client.query(`alter role ${role} password 'of-a-test'`);
    const bench = benchOn(store);
    const lease = await bench.acquire();
    await withClient({ url: withUser(database.ownerUrl, role, "of-a-test") }, async (app) => {
      expect(await complete(app, bench.key, lease)).toMatchObject({ already_applied: false });
      await expectRefused(app, [
        "select * from holdfast.record",
        "update holdfast.record set state = 3",
        "select * from holdfast.tenant",
        "select holdfast.varint(1)",
        "select holdfast.encode_result('', '')",
        "select holdfast.wake_id('a', 'b', 'c')",
        "select * from holdfast.complete_record('', '', '', '', 1, '', '', null)",
        "select holdfast.finish(null, null, null, null, null, null, null, null, null, null, null, null, null, null)",
      ]);
    });
    expect((await bench.peek()).state).toBe("completed");
  });

  test("nobody has it who was not given it, a server's role neither", async () => {
    expect(grantsSql("x").join()).not.toContain("complete_in_transaction");
    const lease = { token: randomBytes(16), fence: 1n };
    const asServer = withClient({ url: database.url }, (server) => complete(server, benchOn(store).key, lease));
    expect(await refusalOf(asServer)).toMatch(/^42501 permission denied for function/);
  });

  test("what the caller puts into its search path is not what the function runs", async () => {
    const bench = benchOn(store);
    const lease = await bench.acquire();
    await transaction(client, async () => {
      await client.query("create temp table record (state int) on commit drop");
      await client.query(
        "create function pg_temp.length(bytea) returns integer language sql as 'select 1 / 0'; set local search_path = pg_temp, public",
      );
      expect(await complete(client, bench.key, lease)).toMatchObject({ late: false });
    });
    expect((await store.peek(bench.key, Number.POSITIVE_INFINITY)).record?.state).toBe("completed");
  });
});
