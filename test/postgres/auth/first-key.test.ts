import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type ApiKeyInput, GOOD_KEYS_MAX } from "../../../src/auth/api-keys.ts";
import { createPostgresApiKeys } from "../../../src/auth/postgres/api-keys.ts";
import { createFirstKey, createGlobalKey } from "../../../src/auth/postgres/first-key.ts";
import { systemClock } from "../../../src/clock.ts";
import { type Connection, openSession, type Session } from "../../../src/store/postgres/connection.ts";
import { freshApiKey } from "../../support/api-key-table.ts";
import { createTestDatabase, type TestDatabase } from "../../support/database.ts";

const CHANGE = { actor: "command-line", reason: "holdfast admin bootstrap" };

let database: TestDatabase;
let a: Session;
let b: Session;

beforeEach(async () => {
  database = await createTestDatabase();
  [a, b] = await Promise.all([open(), open()]);
});

afterEach(async () => {
  await Promise.all([a?.close(), b?.close()]);
  await database?.drop();
});

const open = () => openSession({ url: database.url, clock: systemClock });
const run = (on: Session, text: string) => on.query({ name: "", text }, []);
const SHOW = "select current_setting('idle_in_transaction_session_timeout') as bound";
const adminKey = (more: Partial<ApiKeyInput> = {}) =>
  freshApiKey({ tenant: null, roles: new Set(["operate", "admin"]), ...more }).input;
const first = (on: Session, input = adminKey()) => createFirstKey(on, input, CHANGE);

test("the first key is made, and the command line is in the audit log for it", async () => {
  const input = adminKey();
  const outcome = await first(a, input);
  expect(outcome).toMatchObject({ kind: "created", key: { id: input.id, tenant: null, expireTime: null } });
  const lines = await run(a, "select actor, action, tenant, reason from holdfast.audit");
  expect(lines).toEqual([{ ...CHANGE, action: "create", tenant: null }]);
});

test("a second one is refused, and names the first", async () => {
  const input = adminKey();
  await first(a, input);
  expect(await first(a)).toEqual({ kind: "exists", id: input.id });
  expect(await run(a, "select id from holdfast.api_key")).toHaveLength(1);
});

describe("is made all the same when there is only", () => {
  test.each<[string, Partial<ApiKeyInput>, string]>([
    ["a key that was revoked", {}, "update holdfast.api_key set revoke_time = now()"],
    ["a key that has expired", { lifetimeMs: 60_000 }, "update holdfast.api_key set expire_time = now()"],
    ["a key without the role", { roles: new Set(["operate", "claim"]) }, "select"],
    ["the admin of one tenant", { tenant: "default" }, "select"],
  ])("%s", async (_, more, then) => {
    const table = createPostgresApiKeys({ run: (work) => work(a), change: (work) => work(a), clock: systemClock });
    await table.create(adminKey(more), CHANGE);
    await run(a, then);
    expect((await first(a)).kind).toBe("created");
  });
});

test("of two who make it at the same moment, one does", async () => {
  const outcomes = await Promise.all([first(a), first(b)]);
  expect(outcomes.map(({ kind }) => kind).toSorted()).toEqual(["created", "exists"]);
  expect(await run(a, "select id from holdfast.api_key")).toHaveLength(1);
});

test("a failure leaves nothing behind, and the session usable", async () => {
  await expect(first(a, adminKey({ id: "short" }))).rejects.toMatchObject({ code: "23514" });
  expect(await run(a, "select id from holdfast.api_key")).toEqual([]);
  expect((await first(a)).kind).toBe("created");
});

test("whoever stops while making it does not hold the audit log for ever, and their session is as it was", async () => {
  const settings: unknown[] = [];
  const watched: Connection = {
    async query<Row>(statement: { readonly name: string; readonly text: string }, values: readonly unknown[]) {
      const rows = await a.query<Row>(statement, values);
      if (statement.name === "find-admin-key") settings.push(...(await run(a, SHOW)));
      return rows;
    },
  };
  await run(a, "set idle_in_transaction_session_timeout = '7s'");
  await createFirstKey(watched, adminKey(), CHANGE);
  expect([...settings, ...(await run(a, SHOW))]).toEqual([{ bound: "5s" }, { bound: "7s" }]);
});

test("recovering makes another one whatever there is", async () => {
  await first(a);
  const input = adminKey();
  expect(await createGlobalKey(a, input, CHANGE)).toMatchObject({ id: input.id, tenant: null });
  expect(await run(a, "select id from holdfast.api_key")).toHaveLength(2);
});

test("recovering makes one also where no more can be made otherwise", async () => {
  await run(
    a,
    `insert into holdfast.api_key (id, roles, salt, hash)
     select 'GLOBAL' || lpad(i::text, 8, '0'), '{claim}', decode(repeat('00', 32), 'hex'), decode(repeat('00', 32), 'hex')
     from generate_series(1, ${GOOD_KEYS_MAX}) as i`,
  );
  const table = createPostgresApiKeys({ run: (work) => work(a), change: (work) => work(a), clock: systemClock });
  await expect(table.create(adminKey(), CHANGE)).rejects.toMatchObject({ code: "INVALID_STATE" });
  expect(await createGlobalKey(a, adminKey(), CHANGE)).toMatchObject({ tenant: null });
});
