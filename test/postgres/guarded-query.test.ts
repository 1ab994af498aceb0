import pg from "pg";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createGuardedSend } from "../../src/store/postgres/guarded-query.ts";
import { ROLE_SETTINGS } from "../../src/store/postgres/session-settings.ts";
import { createTestDatabase, type TestDatabase } from "../support/database.ts";

let database: TestDatabase;
const clients: pg.Client[] = [];

beforeAll(async () => {
  database = await createTestDatabase();
});

afterAll(async () => {
  await Promise.all(clients.map((client) => client.end()));
  await database.drop();
});

/** A pool's connection as whoever has the role finds it, and who sends through it. `leave` is what others leave behind. */
async function lent({ allowUnsafe = false, commit = "on" } = {}) {
  const client = new pg.Client({ connectionString: database.url });
  await client.connect();
  clients.push(client);
  const leave = (text: string) => client.query(text);
  for (const [name, value] of Object.entries(ROLE_SETTINGS)) await leave(`set ${name} = '${value}'`);
  await leave(`set synchronous_commit = ${commit}`);
  await leave("create temp table done (synchronous_commit text)");
  const guarded = createGuardedSend(client, { allowUnsafe });
  const send = (text: string) => guarded<Record<string, unknown>>({ text }, []);
  const done = async () => (await client.query("select * from done")).rows.map((row) => row["synchronous_commit"]);
  return { send, leave, done };
}

/** Notes with what its commit waits for. */
const DO = "insert into done select current_setting('synchronous_commit')";

describe("what somebody else leaves behind in a pool's connection", () => {
  test.each([
    ["synchronous_commit = off", /synchronous_commit is off/],
    ["default_transaction_isolation = serializable", /serializable/],
    ["default_transaction_read_only = on", /read-only/],
    ["statement_timeout = 0", /without the role's settings/],
  ])("ends the session that is lent it: %s", async (setting, why) => {
    const { send, leave } = await lent();
    expect(await send("select 1 as one")).toEqual([{ one: 1 }]);
    await leave(`set ${setting}`);
    await expect(send("select 1 as one")).rejects.toMatchObject({
      name: "Elsewhere",
      message: expect.stringMatching(why),
    });
  });

  test("ends it also where it was there from the first", async () => {
    const { send } = await lent({ commit: "off" });
    await expect(send("select")).rejects.toMatchObject({ name: "Elsewhere" });
  });

  test("never makes what was done less durable, and stays theirs", async () => {
    const { send, leave, done } = await lent();
    await leave("set synchronous_commit = off");
    await expect(send(DO)).rejects.toMatchObject({ name: "Elsewhere" });
    expect(await done()).toEqual(["on"]);
    expect((await leave("show synchronous_commit")).rows).toEqual([{ synchronous_commit: "off" }]);
  });

  test("ends it where commits wait for less than they did, or for more", async () => {
    const { send, leave } = await lent({ commit: "remote_apply" });
    await send(DO);
    await leave("set synchronous_commit = local");
    await expect(send(DO)).rejects.toThrow("synchronous_commit is local, and was remote_apply");
  });
});

test.each(["on", "local", "remote_write", "remote_apply"])("synchronous_commit %s is left alone", async (commit) => {
  const { send, done } = await lent({ commit });
  await send(DO);
  await send(DO);
  expect(await done()).toEqual([commit, commit]);
});

test("a statement that need not be durable says so for itself alone", async () => {
  const { send, done } = await lent();
  await send(
    "with lazy as materialized (select set_config('synchronous_commit', 'off', true)) insert into done select * from lazy",
  );
  await send(DO);
  expect(await done()).toEqual(["off", "on"]);
});

test("where a database that can lose results is accepted, off is too", async () => {
  const { send, done } = await lent({ allowUnsafe: true, commit: "off" });
  await send(DO);
  expect(await done()).toEqual(["off"]);
});
