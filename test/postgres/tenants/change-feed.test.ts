import pg from "pg";
import { afterAll, beforeAll, expect, test } from "vitest";
import { systemClock } from "../../../src/clock.ts";
import { CHANGES_MAX } from "../../../src/tenants/postgres/read-changes.ts";
import { createPostgresTenantTable } from "../../../src/tenants/postgres/tenant-table.ts";
import type { TenantTable } from "../../../src/tenants/table.ts";
import { logLine, tamper } from "../../support/audit-log.ts";
import { createTestDatabase, type TestDatabase } from "../../support/database.ts";
import { createManualClock } from "../../unit/store/manual-clock.ts";
import { BY, feedOver, hear, type Lent, lend, newId, registrationOf, until } from "./stand.ts";

/** Nobody listens there. */
const DEAD_URL = "postgresql://holdfast@127.0.0.1:1/holdfast";

let database: TestDatabase;
let url: string;
let admin: pg.Client;
let table: TenantTable;
let changing: Lent;
beforeAll(async () => {
  database = await createTestDatabase();
  ({ url } = database);
  admin = new pg.Client({ connectionString: database.ownerUrl });
  await admin.connect();
  changing = await lend(url);
  table = createPostgresTenantTable({ run: changing.run, change: changing.run, clock: systemClock });
});
afterAll(async () => {
  await changing?.[Symbol.asyncDispose]();
  await admin?.end();
  await database?.drop();
});

const readsOf = ({ statements }: Lent) => statements.filter((name) => name === "read-changes").length;

/** A tenant's life, with everything that is logged of it. */
async function live(id: string): Promise<readonly string[]> {
  const { generation } = await table.register(registrationOf(id, { eager: true }), "healthy", BY);
  await table.drain(id, true, BY);
  await table.drain(id, false, BY);
  await table.judge(id, generation, { kind: "refused", reason: "no" }, BY);
  await table.update(registrationOf(id), "healthy", null, BY);
  await table.unregister(id, BY);
  return ["register", "drain", "resume", "health", "update", "unregister"];
}

test("every change is told once, in order, with nothing from before the start", async () => {
  await live(newId());
  await using lent = await lend(url);
  await using feed = feedOver(lent, url);
  const heard = hear(feed);
  await feed.started;
  expect(heard).toEqual({ changes: [], losses: 1 });
  const id = newId();
  const actions = await live(id);
  await until(() => heard.changes.length >= actions.length);
  const { rows } = await admin.query("select sequence from holdfast.audit where subject = $1 order by sequence", [id]);
  expect(heard.changes).toEqual(
    actions.map((action, index) => ({
      ...{ sequence: BigInt(rows[index].sequence), kind: "tenant", subject: id, action, tenant: id },
      ...{ isEager: action === "register", changesNames: ["register", "unregister"].includes(action) },
    })),
  );
  expect(heard.losses).toBe(1);
});

test("an update is told as a change of names when it changes names; what is not known may have changed any", async () => {
  await using lent = await lend(url);
  await using feed = feedOver(lent, url);
  const heard = hear(feed);
  await feed.started;
  const id = newId();
  const hosts = [{ host: `${id}.example`, path: "" }];
  await table.register(registrationOf(id), "healthy", BY);
  await table.update(registrationOf(id, { displayName: "New" }), "healthy", null, BY);
  await table.update(registrationOf(id, { hosts }), "healthy", null, BY);
  await admin.query(
    `with head as (update holdfast.audit_head set sequence = sequence + 2 returning sequence)
     insert into holdfast.audit (sequence, actor, action, subject_kind, subject)
     select head.sequence - 1, 'x', 'update', 'tenant', $1 from head
     union all
     select head.sequence, 'x', 'rename', 'tenant', $1 from head`,
    [id],
  );
  await until(() => heard.changes.length === 5);
  expect(heard.changes.map(({ changesNames }) => changesNames)).toEqual([true, false, true, true, true]);
});

test("a notification alone is enough: no time need pass", async () => {
  await using lent = await lend(url);
  const clock = createManualClock();
  await using feed = feedOver(lent, url, clock);
  const heard = hear(feed);
  await feed.started;
  await until(() => feed.status().isListening);
  const id = newId();
  await table.register(registrationOf(id), "healthy", BY);
  // Less than a poll, and enough for the pause between two reads.
  for (let passedMs = 0; passedMs < 1_900 && heard.changes.length === 0; passedMs++) {
    await clock.advance(1);
    await systemClock.sleep(5);
  }
  expect(heard.changes.map(({ subject }) => subject)).toEqual([id]);
});

test("each change sends one notification that says nothing, and what changes nothing sends none", async () => {
  const ear = new pg.Client({ connectionString: url });
  const payloads: (string | undefined)[] = [];
  ear.on("notification", ({ payload }) => payloads.push(payload));
  await ear.connect();
  try {
    await ear.query("listen holdfast_registry");
    const id = newId();
    await table.register(registrationOf(id), "healthy", BY);
    await table.register(registrationOf(id), "healthy", BY).catch(() => undefined);
    await table.drain(id, false, BY);
    await table.unregister(newId(), BY);
    await table.update(registrationOf(newId()), "healthy", null, BY);
    await table.unregister(id, BY);
    const actions = await live(id);
    // A session is told of what was committed before its own statement began.
    await ear.query("select 1");
    expect(payloads).toEqual(Array.from({ length: 2 + actions.length }, () => ""));
  } finally {
    await ear.end();
  }
});

test("whoever has left is told nothing more", async () => {
  await using lent = await lend(url);
  await using feed = feedOver(lent, url);
  const [stays, heard] = [hear(feed), [] as string[]];
  const leave = feed.subscribe({
    onChange: ({ subject }) => void heard.push(subject),
    onLost: () => heard.push("lost"),
  });
  await feed.started;
  leave();
  await live(newId());
  await until(() => stays.changes.length === 6);
  expect(heard).toEqual(["lost"]);
});

test("changes are seen without notifications, by polling", async () => {
  await using lent = await lend(url);
  await using feed = feedOver(lent, DEAD_URL);
  const heard = hear(feed);
  await feed.started;
  expect(feed.status()).toEqual({ isListening: false, isReading: true });
  await live(newId());
  await until(() => heard.changes.length === 6);
  expect(feed.status().isListening).toBe(false);
});

test("a listening session that is ended is opened anew, and nothing is missed meanwhile", async () => {
  await using lent = await lend(url);
  await using feed = feedOver(lent, url);
  const heard = hear(feed);
  await feed.started;
  await until(() => feed.status().isListening);
  const { rowCount } = await admin.query(
    `select pg_terminate_backend(pid) from pg_stat_activity
      where datname = current_database() and query = 'listen holdfast_registry'`,
  );
  expect(rowCount).toBe(1);
  await until(() => !feed.status().isListening);
  await live(newId());
  await until(() => heard.changes.length === 6 && feed.status().isListening);
  await live(newId());
  await until(() => heard.changes.length === 12);
});

test("while the database is away nothing is told, and afterwards everything is", async () => {
  await using lent = await lend(url);
  await using feed = feedOver(lent, url);
  const heard = hear(feed);
  await feed.started;
  lent.isAway = true;
  await live(newId());
  await until(() => !feed.status().isReading);
  expect(heard.changes).toEqual([]);
  lent.isAway = false;
  await until(() => heard.changes.length === 6 && feed.status().isReading);
  expect(heard.losses).toBe(1);
});

test("a flood of forged notifications, whatever they say, is some twenty reads a second and tells nothing", async () => {
  await using lent = await lend(url);
  await using feed = feedOver(lent, url);
  const heard = hear(feed);
  await feed.started;
  await until(() => feed.status().isListening);
  const startedMs = systemClock.monotonicMs();
  const before = readsOf(lent);
  const forged = `select pg_notify('holdfast_registry', $1 || i) from generate_series(1, 500) i`;
  for (const payload of ["", "tenant default unregister ", "}", "x".repeat(7_000)])
    await admin.query(forged, [payload]);
  await live(newId());
  await until(() => heard.changes.length === 6);
  const seconds = (systemClock.monotonicMs() - startedMs) / 1_000;
  // One read can be under way, and one is due at once.
  expect(readsOf(lent) - before).toBeLessThanOrEqual(Math.ceil(seconds * 20) + 2);
  expect(heard.losses).toBe(1);
});

test("more changes than are told one by one are a loss, and what follows is told again", async () => {
  await using lent = await lend(url);
  await using feed = feedOver(lent, DEAD_URL);
  const heard = hear(feed);
  await feed.started;
  await admin.query(
    `with head as (update holdfast.audit_head set sequence = sequence + $1 returning sequence)
     insert into holdfast.audit (sequence, actor, action, subject_kind, subject)
     select head.sequence - $1 + i, 'x', 'register', 'tenant', 'many-' || i from head, generate_series(1, $1::int) i`,
    [CHANGES_MAX + 1],
  );
  await until(() => heard.losses === 2);
  expect(heard.changes).toEqual([]);
  await live(newId());
  await until(() => heard.changes.length === 6);
});

test("changes of records are passed over, any number of them, and no loss", async () => {
  await using lent = await lend(url);
  await using feed = feedOver(lent, DEAD_URL);
  const heard = hear(feed);
  await feed.started;
  await admin.query(
    `with head as (update holdfast.audit_head set sequence = sequence + $1 returning sequence)
     insert into holdfast.audit (sequence, actor, action, subject_kind, subject, tenant, record_scope, record_key)
     select head.sequence - $1 + i, 'x', 'release', 'record', 'one', 'acme', 'orders', 'k' || i
     from head, generate_series(1, $1::int) i`,
    [CHANGES_MAX + 1],
  );
  const reads = readsOf(lent);
  // Two reads more: one that ends on a change of a record, and one that begins there.
  await until(() => readsOf(lent) >= reads + 2);
  await live(newId());
  await logLine(admin, { scope: "orders", key: "last" });
  await until(() => heard.changes.length === 6);
  expect(heard.losses).toBe(1);
});

const SET_BACK = [
  ["ends before what was seen", "update holdfast.audit_head set sequence = sequence - 3, line = line - 3"],
  [
    "has gone on otherwise to the same number",
    "update holdfast.audit set time = time + interval '1 s' where sequence = (select sequence from holdfast.audit_head)",
  ],
] as const;

test.each(SET_BACK)("a log that %s is of a database that was restored: a loss", async (_, restore) => {
  const own = await createTestDatabase();
  const operator = new pg.Client({ connectionString: own.ownerUrl });
  await operator.connect();
  try {
    await using writing = await lend(own.url);
    await using lent = await lend(own.url);
    await using feed = feedOver(lent, own.url);
    const heard = hear(feed);
    await feed.started;
    const written = createPostgresTenantTable({ run: writing.run, change: writing.run, clock: systemClock });
    const { generation } = await written.register(registrationOf("one"), "healthy", BY);
    for (const draining of [true, false, true]) await written.drain("one", draining, BY);
    await until(() => heard.changes.length === 4);
    const cut = "delete from holdfast.audit where sequence > (select sequence from holdfast.audit_head)";
    await tamper(operator, restore, cut);
    await until(() => heard.losses === 2);
    await written.judge("one", generation, { kind: "refused", reason: "no" }, BY);
    await until(() => heard.changes.length === 5);
    expect(heard.losses).toBe(2);
  } finally {
    await operator.end();
    await own.drop();
  }
});
