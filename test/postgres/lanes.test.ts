import { createHash } from "node:crypto";
import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import pg from "pg";
import { afterAll, beforeAll, expect, test } from "vitest";
import { systemClock } from "../../src/clock.ts";
import { openSession, withClient } from "../../src/store/postgres/connection.ts";
import { createDatabase, type DatabaseDeps } from "../../src/store/postgres/database.ts";
import { createEmptyDatabase, type TestDatabase } from "../support/database.ts";

let database: TestDatabase;
let observer: pg.Client;

beforeAll(async () => {
  database = await createEmptyDatabase();
  observer = new pg.Client({ connectionString: database.url });
  await observer.connect();
  await observer.query("create table locked (key text primary key); insert into locked values ('x')");
});

afterAll(async () => {
  await observer.end();
  await database.drop();
});

const deps = (): DatabaseDeps => ({ url: database.url, clock: systemClock, random: Math.random });

/** Of a name of its own: the driver knows prepared statements by it, and Postgres takes 63 bytes. */
const statement = (text: string) => ({ name: createHash("sha256").update(text).digest("base64url"), text });

/** Sessions of ours with this database. */
async function sessions(): Promise<
  readonly { readonly pid: number; readonly state: string; readonly query: string }[]
> {
  const { rows } = await observer.query(
    "select pid, state, query from pg_stat_activity where application_name = 'holdfast' and datname = current_database()",
  );
  return rows;
}

/** The database has no event for what happens in other sessions. */
async function eventually(holds: () => Promise<boolean>): Promise<void> {
  while (!(await holds())) await systemClock.sleep(10);
}

test("a session has the settings of the hot path", async () => {
  const session = await openSession(deps());
  const names = ["lock_timeout", "statement_timeout", "enable_seqscan", "enable_bitmapscan", "enable_mergejoin", "jit"];
  names.push("client_connection_check_interval", "TimeZone", "application_name");
  const rows = await session.query(
    statement("select name, current_setting(name) as value from unnest($1::text[]) as s (name)"),
    [names],
  );
  expect(rows.map((row) => (row as { value: string }).value)).toEqual([
    "1s",
    "3s",
    "off",
    "off",
    "off",
    "off",
    "1s",
    "UTC",
    "holdfast",
  ]);
  await session.close();
});

test("instants, whole numbers and bytes are decoded exactly, whatever the database's own formats are", async () => {
  await withClient({ url: database.url }, async (client) => {
    await client.query(
      "do $$ begin execute format('alter database %I set datestyle = ''German''', current_database()); end $$",
    );
    await client.query(
      "do $$ begin execute format('alter database %I set bytea_output = ''escape''', current_database()); end $$",
    );
  });
  const session = await openSession(deps());
  const [row] = await session.query(
    statement(
      `select '2026-08-20 12:00:00.123456+02'::timestamptz as instant, 'infinity'::timestamptz as never,
              9007199254740993::bigint as fence, '\\x00ff41'::bytea as bytes, 7::integer as attempt, null::timestamptz as nothing`,
    ),
    [],
  );
  expect(row).toEqual({
    instant: Date.UTC(2026, 7, 20, 10) * 1000 + 123_456,
    never: Infinity,
    fence: 9_007_199_254_740_993n,
    bytes: Buffer.from([0, 255, 65]),
    attempt: 7,
    nothing: null,
  });
  await session.close();
});

test("the decoding of other users of the driver is left alone", async () => {
  const { rows } = await observer.query("select 1::bigint as number");
  expect(rows).toEqual([{ number: "1" }]);
});

test("an error of a statement leaves the session in use", async () => {
  const session = await openSession(deps());
  await expect(session.query(statement("select 1 / $1::integer"), [0])).rejects.toMatchObject({ code: "22012" });
  expect(await session.query(statement("select 1 / $1::integer"), [1])).toHaveLength(1);
  await session.close();
});

test("a statement that waits for somebody else's lock is ended by lock_timeout", async () => {
  const session = await openSession(deps());
  await observer.query("begin; select from locked for update");
  await expect(session.query(statement("select from locked for update"), [])).rejects.toMatchObject({ code: "55P03" });
  await observer.query("rollback");
  await session.close();
});

test("without an answer in time the socket is dropped, no cancel is sent, and the server gives the statement up", async () => {
  const session = await openSession(deps());
  const unanswered = session.query(statement("select pg_sleep(60)"), [], 50);
  await expect(unanswered).rejects.toMatchObject({ name: "ConnectionLost" });
  expect((await session.over).message).toContain("no answer");
  await eventually(async () => (await sessions()).every(({ query }) => !query.includes("pg_sleep")));
});

test("a server that accepts and then says nothing is given up when the connect time is over", async () => {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const url = `postgresql://nobody@127.0.0.1:${(server.address() as AddressInfo).port}/none`;
  await expect(openSession({ ...deps(), url, connectTimeoutMs: 50 })).rejects.toThrow("timeout");
  server.close();
});

test("a database that refuses the login is reported, and calls are told that the store is unavailable", async () => {
  const url = database.url.replace(/\/[^/?]+(\?|$)/, "/no_such_database$1");
  const store = createDatabase({ ...deps(), url });
  const lanes = store.lanes(1);
  await expect(lanes.run(0, async () => "used")).rejects.toMatchObject({ code: "STORE_UNAVAILABLE" });
  expect(store.status()).toMatchObject({ reachable: false, open: 0, trouble: { code: "3D000" } });
  await store.close();
});

test("a terminated session is replaced, idle or busy, and its work is told that it was lost", async () => {
  const store = createDatabase(deps());
  const lanes = store.lanes(2);
  await store.opened();
  expect(store.status()).toEqual({ reachable: true, lanes: 2, open: 2, busy: 0, trouble: null });
  const busy = lanes.run(0, (connection) => connection.query(statement("select pg_sleep(60)"), []));
  const lost = expect(busy).rejects.toMatchObject({ code: "57P01" });
  await eventually(async () =>
    (await sessions()).some(({ state, query }) => state === "active" && query.includes("pg_sleep")),
  );
  await observer.query(
    "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'holdfast' and datname = current_database()",
  );
  await lost;
  for (const lane of [0, 1]) {
    expect(await lanes.run(lane, (connection) => connection.query(statement("select 1 as one"), []))).toEqual([
      { one: 1 },
    ]);
  }
  await store.close();
  await eventually(async () => (await sessions()).length === 0);
});
