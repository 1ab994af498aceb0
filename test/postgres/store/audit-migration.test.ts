import { randomBytes, randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import pg from "pg";
import { afterAll, expect, test } from "vitest";
import { newApiKey } from "../../../src/auth/api-key-secret.ts";
import type { Role } from "../../../src/auth/authenticator.ts";
import { createPostgresApiKeys } from "../../../src/auth/postgres/api-keys.ts";
import { systemClock } from "../../../src/clock.ts";
import { verifyAudit } from "../../../src/store/postgres/audit/verify.ts";
import { withClient } from "../../../src/store/postgres/connection.ts";
import { connectionOf } from "../../../src/store/postgres/identity.ts";
import { migrate, readMigrations } from "../../../src/store/postgres/migrate.ts";
import { createPostgresTenantTable } from "../../../src/tenants/postgres/tenant-table.ts";
import { createEmptyDatabase, createTestDatabase } from "../../support/database.ts";
import { BY, lend, newId, registrationOf } from "../tenants/stand.ts";

const opened = new AsyncDisposableStack();
afterAll(() => opened.disposeAsync());

const verify = (url: string) =>
  withClient({ url }, (client) => verifyAudit(connectionOf(client), { expected: null, newest: null }));

/** A database as the version before the chain has left it, with a log of 700 lines and a gap in it. */
async function oldDatabase() {
  const { url, drop } = await createEmptyDatabase();
  opened.defer(drop);
  const before = (await readMigrations()).filter(({ version }) => version < 3);
  await withClient({ url }, (client) => migrate(client, before));
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  opened.defer(() => client.end());
  await client.query(
    `with head as (update holdfast.audit_head set sequence = 800)
     insert into holdfast.audit (sequence, time, actor, action, subject_kind, subject, detail)
     select i, '2026-01-01T00:00:00.000001Z', 'x', 'register', 'tenant', 'many-' || i, jsonb_build_object('i', i)
     from generate_series(2, 800) i where i % 8 > 0`,
  );
  return { url, client };
}

const migrateAll = (url: string) => withClient({ url }, (client) => migrate(client));

/** What a caller's tenant is looked up by. */
const FIND = readFileSync(new URL("../../../src/tenants/postgres/find-tenant-by-host.sql", import.meta.url), "utf8");

/** What somebody changes first, or locks. */
const LOCK_HEAD = "select from holdfast.audit_head for update";

/** As the version before writes it. */
const OLD_CHANGE = `
  with head as (update holdfast.audit_head set sequence = sequence + 1 returning sequence, clock_timestamp() as now)
  insert into holdfast.audit (sequence, time, actor, action, subject_kind, subject, tenant, reason, detail)
  select head.sequence, head.now, 'x', 'drain', 'tenant', 'one', 'one', '', '{}' from head`;

test("a log that there was is chained as it is, and a server of the version before goes on writing it", async () => {
  const { url, client } = await oldDatabase();
  const lines = "select sequence, time, actor, action, subject, detail from holdfast.audit order by sequence";
  const { rows: before } = await client.query(lines);
  await migrateAll(url);
  expect((await client.query(lines)).rows).toEqual(before);
  expect(await verify(url)).toMatchObject({ broken: null, lines: before.length, head: { sequence: 799n } });
  await client.query(OLD_CHANGE);
  expect(await verify(url)).toMatchObject({ broken: null, head: { sequence: 801n } });
});

test("a change that is under way holds the migration up, and is in the chain", async () => {
  const { url, client } = await oldDatabase();
  await client.query("begin");
  await client.query("select sequence from holdfast.audit_head for update");
  const migrating = migrateAll(url);
  const waits = "select from pg_locks where relation = 'holdfast.audit_head'::regclass and not granted";
  await expect.poll(async () => (await client.query(waits)).rowCount, { timeout: 10_000 }).toBe(1);
  await client.query(OLD_CHANGE);
  await client.query("commit");
  await migrating;
  expect(await verify(url)).toMatchObject({ broken: null, head: { sequence: 801n } });
});

test("whoever looks up tenants goes on while the log is chained, and whoever would change one waits", async () => {
  const { url, client } = await oldDatabase();
  // Stopped where the chain is made and the tables are yet to be altered: somebody reads the log.
  await client.query("begin");
  await client.query("select from holdfast.audit");
  const migrating = migrateAll(url);
  await withClient({ url }, async (other) => {
    const locks = async () => {
      const { rows } = await other.query<{ table: string; mode: string; granted: boolean }>(
        `select l.relation::regclass::text as table, l.mode, l.granted from pg_locks l
          where l.relation in ('holdfast.audit'::regclass, 'holdfast.audit_head'::regclass) and l.mode like '%Exclusive%'`,
      );
      return rows;
    };
    const waits = { table: "holdfast.audit", mode: "AccessExclusiveLock", granted: false };
    await expect.poll(locks, { timeout: 10_000 }).toContainEqual(waits);
    expect(
      (await locks())
        .filter(({ granted }) => granted)
        .map(({ table, mode }) => `${mode} ${table}`)
        .sort(),
    ).toEqual(["ExclusiveLock holdfast.audit", "ExclusiveLock holdfast.audit_head"]);

    await other.query("set lock_timeout = '1s'");
    expect((await other.query(FIND, ["nobody's", [""]])).rows).toMatchObject([{ id: null, names: 1n }]);
    await other.query("set lock_timeout = '10ms'");
    for (const change of ["update holdfast.audit_head set sequence = sequence + 1", LOCK_HEAD]) {
      await expect(other.query(change)).rejects.toMatchObject({ code: "55P03" });
    }
  });
  await client.query("commit");
  await migrating;
  expect(await verify(url)).toMatchObject({ broken: null, head: { sequence: 799n } });
});

test("whatever changes tenants and API keys, at once and in vain too, leaves a chain that is whole", async () => {
  const { url, drop } = await createTestDatabase();
  opened.defer(drop);
  await using one = await lend(url);
  await using other = await lend(url);
  const [here, there] = [one, other].map(({ run }) =>
    createPostgresTenantTable({ run, change: run, clock: systemClock }),
  );
  const [keys, keysThere] = [one, other].map(({ run }) =>
    createPostgresApiKeys({ run, change: run, clock: systemClock }),
  );
  if (!here || !there || !keys || !keysThere) throw new Error("no tables");
  for (let round = 0; round < 5; round++) {
    const id = newId();
    const { generation } = await here.register(registrationOf(id), "healthy", BY);
    // Of two that do the same at once one finds nothing left to do, and its number has no line.
    await Promise.all([here.drain(id, true, BY), there.drain(id, true, BY)]);
    const judged = { kind: "refused", reason: "no" } as const;
    await Promise.all([here.judge(id, generation, judged, BY), there.judge(id, generation, judged, BY)]);
    const update = () => registrationOf(id, { displayName: randomUUID() });
    await Promise.all([here, there].map((table) => table.update(update(), "healthy", null, BY).catch(() => undefined)));
    const key = {
      ...newApiKey(randomBytes),
      tenant: id,
      roles: new Set<Role>(["claim"]),
      displayName: "",
      lifetimeMs: null,
    };
    await keys.create(key, BY);
    await Promise.all([keys.revoke(key.id, id, BY), keysThere.revoke(key.id, id, BY)]);
    await Promise.all([here.unregister(id, BY), there.unregister(id, BY)]);
  }
  const { lines, broken } = await verify(url);
  expect(broken).toBeNull();
  expect(lines).toBeGreaterThanOrEqual(5 * 7);
});
