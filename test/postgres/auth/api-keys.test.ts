import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type ApiKeyTable, GOOD_KEYS_MAX } from "../../../src/auth/api-keys.ts";
import { createPostgresApiKeys } from "../../../src/auth/postgres/api-keys.ts";
import { systemClock } from "../../../src/clock.ts";
import { addMs } from "../../../src/domain/instant.ts";
import { openSession, type Session } from "../../../src/store/postgres/connection.ts";
import { unavailable } from "../../../src/store/postgres/errors.ts";
import { freshApiKey } from "../../support/api-key-table.ts";
import { createTestDatabase, type TestDatabase } from "../../support/database.ts";

const NEVER = Number.POSITIVE_INFINITY;
const CHANGE = { actor: "api-key:maker", reason: "for a test" };

let database: TestDatabase;
let session: Session;
let other: Session;
let listener: Session;
const heard: string[] = [];

beforeAll(async () => {
  database = await createTestDatabase();
  const onNotification = (payload: string) => void heard.push(payload);
  const address = { url: database.url, clock: systemClock };
  [session, other, listener] = await Promise.all([
    openSession(address),
    openSession(address),
    openSession({ ...address, onNotification }),
  ]);
  await run(listener, "listen holdfast_registry");
  await run(session, "insert into holdfast.tenant (id) values ('acme'), ('other'), ('passing')");
});

afterAll(async () => {
  await Promise.all([session, other, listener].map((open) => open?.close()));
  await database?.drop();
});

const run = <Row>(on: Session, text: string, values: readonly unknown[] = []) =>
  on.query<Row>({ name: "", text }, values);
const tableOn = (on: () => Session): ApiKeyTable =>
  createPostgresApiKeys({ run: (work) => work(on()), change: (work) => work(on()), clock: systemClock });
const table = tableOn(() => session);

interface Line {
  readonly sequence: bigint;
  readonly actor: string;
  readonly action: string;
  readonly subject_kind: string;
  readonly tenant: string | null;
  readonly reason: string;
  readonly detail: Readonly<Record<string, unknown>>;
}

const auditOf = (id: string) =>
  run<Line>(session, "select * from holdfast.audit where subject = $1 order by sequence", [id]);
const head = async () =>
  (await run<{ sequence: bigint }>(session, "select sequence from holdfast.audit_head"))[0]?.sequence;

/** What was told of changes so far: notifications come before the answer to a later statement. */
async function newsOf(work: () => Promise<unknown>): Promise<number> {
  await run(listener, "select 1");
  const before = heard.length;
  await work();
  await run(listener, "select 1");
  return heard.length - before;
}

describe("a key that is made", () => {
  test("is read back whole, with the database's time", async () => {
    const { input } = freshApiKey({ roles: new Set(["read", "admin"]), displayName: "Ünïcode", lifetimeMs: 61_500 });
    const made = await table.create(input, CHANGE);
    const { salt, hash, lifetimeMs, ...rest } = input;
    expect(made).toEqual({
      ...rest,
      createTime: made.createTime,
      expireTime: addMs(made.createTime, 61_500),
      revokeTime: null,
    });
    const stored = await table.read(input.id, NEVER);
    expect(stored).toEqual({ ...made, salt: Buffer.from(salt), hash: Buffer.from(hash) });
  });

  test("of every tenant and for ever is of none and has no end", async () => {
    const { input } = freshApiKey({ tenant: null });
    expect(await table.create(input, CHANGE)).toMatchObject({ tenant: null, expireTime: null });
  });

  test("is in the audit log, without its secret and with a number of its own, and others are told", async () => {
    const { input, text } = freshApiKey();
    const before = await head();
    expect(await newsOf(() => table.create(input, CHANGE))).toBe(1);
    expect(await head()).toBe((before ?? 0n) + 1n);
    const lines = await auditOf(input.id);
    expect(lines).toMatchObject([
      { ...CHANGE, sequence: await head(), action: "create", subject_kind: "api-key", tenant: "acme" },
    ]);
    expect(lines[0]?.detail).toEqual({ roles: ["claim", "read"], "display-name": "", "expire-time": null });
    const whole = (await run<{ line: string }>(session, "select a::text as line from holdfast.audit a")).map(
      ({ line }) => line,
    );
    for (const secret of [text.split(".")[1] ?? "", Buffer.from(input.hash).toString("hex")]) {
      expect(whole.join("\n")).not.toContain(secret);
    }
  });

  test("of a tenant that is not registered is not made, and nothing is told", async () => {
    const { input } = freshApiKey({ tenant: "nobody" });
    const before = await head();
    const news = newsOf(() => expect(table.create(input, CHANGE)).rejects.toMatchObject({ code: "TENANT_NOT_FOUND" }));
    expect(await news).toBe(0);
    expect(await head()).toBe(before);
    expect(await table.read(input.id, NEVER)).toBeNull();
  });

  test("of a tenant that goes at the same moment is not made", async () => {
    const { input } = freshApiKey({ tenant: "passing" });
    await run(other, "begin");
    await run(other, "select from holdfast.audit_head for update");
    await run(other, "delete from holdfast.tenant where id = 'passing'");
    const making = table.create(input, CHANGE).then(
      () => "made",
      (thrown: { code: string }) => thrown.code,
    );
    await someoneWaits();
    await run(other, "commit");
    expect(await making).toBe("TENANT_NOT_FOUND");
    expect(await auditOf(input.id)).toEqual([]);
  });

  test("goes with its tenant", async () => {
    await run(session, "insert into holdfast.tenant (id) values ('leaving')");
    const { input } = freshApiKey({ tenant: "leaving" });
    await table.create(input, CHANGE);
    await run(session, "delete from holdfast.tenant where id = 'leaving'");
    expect(await table.read(input.id, NEVER)).toBeNull();
  });
});

describe("a key that is revoked", () => {
  test.each<[string, string | null]>([
    ["by its tenant", "acme"],
    ["by one of every tenant", null],
  ])("%s says when, is in the audit log, and others are told", async (_, tenant) => {
    const { input } = freshApiKey();
    await table.create(input, CHANGE);
    let revoked: Awaited<ReturnType<ApiKeyTable["revoke"]>> = null;
    const news = await newsOf(async () => {
      revoked = await table.revoke(input.id, tenant, CHANGE);
    });
    expect(news).toBe(1);
    expect(revoked).toMatchObject({ id: input.id, revokeTime: expect.any(Number) });
    expect(revoked).not.toHaveProperty("hash");
    expect(await auditOf(input.id)).toMatchObject([
      { action: "create" },
      { ...CHANGE, action: "revoke", tenant: "acme" },
    ]);
  });

  test("again stays as it is, and nothing is told", async () => {
    const { input } = freshApiKey();
    await table.create(input, CHANGE);
    const first = await table.revoke(input.id, null, CHANGE);
    const before = await head();
    const news = newsOf(async () => expect(await table.revoke(input.id, null, CHANGE)).toEqual(first));
    expect(await news).toBe(0);
    expect(await head()).toBe(before);
  });

  test.each<[string, string | null]>([
    ["by another tenant", "other"],
    ["of every tenant by one tenant", "acme"],
  ])("%s is not found, and stays good", async (what, tenant) => {
    const { input } = freshApiKey({ tenant: what.startsWith("of every") ? null : "acme" });
    await table.create(input, CHANGE);
    expect(await table.revoke(input.id, tenant, CHANGE)).toBeNull();
    expect((await table.read(input.id, NEVER))?.revokeTime).toBeNull();
    expect(await auditOf(input.id)).toHaveLength(1);
  });

  test("and was never there is not found", async () => {
    expect(await table.revoke(freshApiKey().input.id, null, CHANGE)).toBeNull();
  });

  test("by two at the same moment is revoked once, and both are told when", async () => {
    const { input } = freshApiKey();
    await table.create(input, CHANGE);
    await run(other, "begin");
    const first = await tableOn(() => other).revoke(input.id, null, CHANGE);
    const second = table.revoke(input.id, null, CHANGE);
    await someoneWaits();
    await run(other, "commit");
    expect(first?.revokeTime).not.toBeNull();
    expect(await second).toEqual(first);
    expect((await auditOf(input.id)).map(({ action }) => action)).toEqual(["create", "revoke"]);
  });
});

test("a change that another's lock was in the way of is made in the end", async () => {
  const { input } = freshApiKey();
  await run(other, "begin");
  await run(other, "select from holdfast.audit_head for update");
  let tries = 0;
  const patient = createPostgresApiKeys({
    run: (work) => work(session),
    async change(work) {
      tries++;
      if (tries === 2) await run(other, "commit");
      return work(session);
    },
    clock: systemClock,
  });
  expect(await patient.create(input, CHANGE)).toMatchObject({ id: input.id });
  expect(tries).toBe(2);
});

test("of two that are made at the same moment where one is left to be had, one is made", async () => {
  const limit = GOOD_KEYS_MAX - 1;
  await run(session, "insert into holdfast.tenant (id) values ('nearly')");
  await run(
    session,
    `insert into holdfast.api_key (id, tenant, roles, salt, hash)
     select 'NEARLYFULL' || lpad(i::text, 8, '0'), 'nearly', '{claim}', decode(repeat('00', 32), 'hex'),
       decode(repeat('00', 32), 'hex')
     from generate_series(1, ${limit}) as i`,
  );
  await run(other, "begin");
  await tableOn(() => other).create(freshApiKey({ tenant: "nearly" }).input, CHANGE);
  const second = table.create(freshApiKey({ tenant: "nearly" }).input, CHANGE).catch((thrown: unknown) => thrown);
  await someoneWaits();
  await run(other, "commit");
  expect(await second).toMatchObject({ code: "INVALID_STATE" });
  expect(await table.list("nearly", "", 2000, NEVER)).toHaveLength(GOOD_KEYS_MAX);
});

test("one that is made where one is left is made in the end, though something else was changed at the same moment", async () => {
  await run(session, "update holdfast.api_key set revoke_time = now() where id = 'NEARLYFULL00000001'");
  const passing = freshApiKey();
  await table.create(passing.input, CHANGE);
  await run(other, "begin");
  await tableOn(() => other).revoke(passing.input.id, null, CHANGE);
  const { input } = freshApiKey({ tenant: "nearly" });
  const made = table.create(input, CHANGE);
  await someoneWaits();
  await run(other, "commit");
  expect(await made).toMatchObject({ id: input.id });
});

describe("who cannot be asked", () => {
  test.each<[string, (of: ApiKeyTable, deadline: number) => Promise<unknown>]>([
    ["read", (of, deadline) => of.read("AAAAAAAAAAAAAAAA", deadline)],
    ["list", (of, deadline) => of.list(null, "", 1, deadline)],
    ["create", (of, deadline) => of.create(freshApiKey().input, CHANGE, deadline)],
    ["revoke", (of, deadline) => of.revoke("AAAAAAAAAAAAAAAA", null, CHANGE, deadline)],
  ])("%s: a deadline that has passed asks nothing", async (_, call) => {
    await expect(call(table, -1)).rejects.toMatchObject({ code: "DEADLINE_EXCEEDED" });
  });

  test("a database that is away is a store that does not answer", async () => {
    const away = createPostgresApiKeys({
      run: () => Promise.reject(unavailable(new Error("away"))),
      change: () => Promise.reject(unavailable(new Error("away"))),
      clock: systemClock,
    });
    await expect(away.read("AAAAAAAAAAAAAAAA", NEVER)).rejects.toMatchObject({ code: "STORE_UNAVAILABLE" });
    await expect(away.create(freshApiKey().input, CHANGE)).rejects.toMatchObject({ code: "STORE_UNAVAILABLE" });
  });

  test("a connection that is lost in mid-change leaves it unknown whether it was made", async () => {
    const own = await openSession({ url: database.url, clock: systemClock });
    const [row] = await run<{ pid: number }>(own, "select pg_backend_pid() as pid");
    await run(other, "begin");
    await run(other, "select from holdfast.audit_head for update");
    const changing = tableOn(() => own)
      .create(freshApiKey().input, CHANGE)
      .catch((thrown: unknown) => thrown);
    await someoneWaits();
    await run(session, "select pg_terminate_backend($1)", [row?.pid]);
    expect(await changing).toMatchObject({ code: "STORE_UNAVAILABLE" });
    await run(other, "rollback");
    own.drop(new Error("the test is over"));
  });

  test("a key that the schema does not allow is a bug of ours, and nothing of it is said", async () => {
    const { input, text } = freshApiKey();
    const thrown: unknown = await table.create({ ...input, id: "short" }, CHANGE).catch((error: unknown) => error);
    expect(thrown).toMatchObject({ code: "INTERNAL", message: "Internal error." });
    expect(String((thrown as Error).cause)).not.toContain(text.split(".")[1]);
  });
});

/** Resolves once a session of this database is stopped by a lock that another one holds. */
async function someoneWaits(): Promise<void> {
  const text =
    "select exists (select from pg_stat_activity where datname = current_database() and cardinality(pg_blocking_pids(pid)) > 0) as waits";
  for (let tries = 0; tries < 5000; tries++) {
    const [row] = await run<{ waits: boolean }>(listener, text);
    if (row?.waits === true) return;
  }
  throw new Error("nobody waits for a lock");
}
