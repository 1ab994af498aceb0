import { randomBytes } from "node:crypto";
import { afterAll, expect, inject, test } from "vitest";
import { systemClock } from "../../src/clock.ts";
import { addMs, type Instant } from "../../src/domain/instant.ts";
import { verifyAudit } from "../../src/store/postgres/audit/verify.ts";
import { withClient } from "../../src/store/postgres/connection.ts";
import { connectionOf } from "../../src/store/postgres/identity.ts";
import { migrate, readMigrations } from "../../src/store/postgres/migrate.ts";
import { checkDatabase } from "../../src/store/postgres/startup.ts";
import { createPostgresTenantTable } from "../../src/tenants/postgres/tenant-table.ts";
import { createBench, freshKey, policyOf } from "../store/bench.ts";
import { createEmptyDatabase } from "../support/database.ts";
import { OPERATOR, releaseRecord, resetRecord } from "../support/operating.ts";
import { NOW } from "../support/records.ts";
import { openStoreOn } from "./store/open-store.ts";
import { BY, lend, newId, registrationOf } from "./tenants/stand.ts";

const NEVER = Number.POSITIVE_INFINITY;
const cleanUps: (() => Promise<unknown>)[] = [];
afterAll(async () => {
  for (const cleanUp of cleanUps.reverse()) await cleanUp();
});

/** As the version of before has advised, for a role that does not own the tables. */
const grantsTo = (role: string) => [
  `grant usage on schema holdfast to ${role}`,
  `grant select, insert, update, delete on all tables in schema holdfast to ${role}`,
];

/** A database whose tables a role may use that did not make them, brought from 0002 to the newest schema. */
async function upgraded() {
  const { url, drop } = await createEmptyDatabase();
  cleanUps.push(drop);
  const role = `holdfast_service_${randomBytes(4).toString("hex")}`;
  const readers = `${role}_readers`;
  const known = await readMigrations();
  await run(inject("postgresUrl"), `create role ${role} login`, `create role ${readers}`);
  cleanUps.push(() => run(inject("postgresUrl"), `drop role ${role}, ${readers}`));
  cleanUps.push(() => run(url, `drop owned by ${role}, ${readers}`));
  const old = known.filter(({ version }) => version <= 2);
  await withClient({ url }, (client) => migrate(client, old));
  await run(url, ...grantsTo(role), `grant select on holdfast.record to ${readers} with grant option`);
  // What a hardened cluster may have: nothing new is anybody's.
  await run(url, "alter default privileges revoke execute on functions from public");
  await withClient({ url }, (client) => migrate(client));
  return { url, role, readers, roleUrl: `${url}${url.includes("?") ? "&" : "?"}user=${role}` };
}

function run(url: string, ...statements: readonly string[]) {
  return withClient({ url }, async (client) => {
    for (const statement of statements) await client.query(statement);
  });
}

const check = (url: string) => withClient({ url }, (client) => checkDatabase(client, { allowUnsafeDatabase: true }));

test("a role that may use the tables but does not own them may use them after an upgrade too, for all that servers do", async () => {
  const { roleUrl } = await upgraded();
  expect(await check(roleUrl)).toEqual([]);

  let now: Instant = NOW;
  const store = await openStoreOn(roleUrl, { asOf: () => now });
  cleanUps.push(() => store.close());
  const advance = (ms: number) => {
    now = addMs(now, ms);
  };
  const under = { store, now: () => now, setNow: () => undefined, close: async () => undefined };
  const bench = createBench(under, freshKey());
  const { key } = bench;

  await bench.acquire();
  advance(60_000_000);
  const second = await bench.acquire();
  expect(second.attempt).toBe(2);
  await bench.finish(second, "retryable");
  const third = await bench.acquire();
  await releaseRecord(store, key);
  await bench.finish(third, "complete");
  expect(await resetRecord(store, key, true)).toBe(true);
  const kinds = (await store.history({ key, withOutcomes: true }, NEVER))?.events.map(({ kind }) => kind);
  expect(kinds?.slice(0, 4)).toEqual(["claimed", "taken-over", "failed-retryable", "retried"]);
  const fourth = await bench.acquire({ policy: policyOf({ resultRetentionMs: 60_000 }) });
  await bench.finish(fourth, "complete");
  advance(60_000);
  expect(await bench.sweep()).toMatchObject({ emptied: 1 });
  const purged = await store.purge({ ...OPERATOR, ...key, force: true, limit: 10, after: null }, NEVER);
  expect(purged.keys).toHaveLength(1);

  await using lent = await lend(roleUrl);
  const tenants = createPostgresTenantTable({ run: lent.run, change: lent.run, clock: systemClock });
  const id = newId();
  await tenants.register(registrationOf(id), "healthy", BY);
  await tenants.drain(id, true, BY);
  const verified = await withClient({ url: roleUrl }, (client) =>
    verifyAudit(connectionOf(client), { expected: null, newest: null }),
  );
  expect(verified).toMatchObject({ broken: null });
  expect(verified.lines).toBeGreaterThanOrEqual(5);
});

test("servers of the version before go on as that role, without a grant in between", async () => {
  const { roleUrl } = await upgraded();
  await run(
    roleUrl,
    `insert into holdfast.record (
       tenant, scope, key, state, due, attempt, fence, lease_token, claim_id, fingerprint, fingerprint_algorithm, hold,
       max_attempts, result_retention_ms, tombstone_retention_ms, create_time, attempt_start_time, evidence
     ) values (
       'default', 's', 'k', 1, now() - interval '1s', 1, 1000, decode(repeat('aa', 16), 'hex'), 'c', 'x', 'sha256', false,
       0, 60000, 60000, now(), now(), 'x'
     )`,
    `update holdfast.record set fence = fence + 1, attempt = 2, attempt_start_time = now(), due = now() + interval '30s'`,
    `update holdfast.record set state = 3, due = now(), forget_at = now() + interval '1s', sweep_at = now(),
       end_time = now(), end_digest = 'x', outcome = 'x'`,
    `update holdfast.record set sweep_at = forget_at, outcome = null, evidence = ''`,
    `delete from holdfast.record`,
    `with head as (update holdfast.audit_head set sequence = sequence + 1 returning sequence)
     insert into holdfast.audit (sequence, actor, action, subject_kind, subject, tenant)
     select sequence, 'x', 'drain', 'tenant', 'one', 'one' from head`,
  );
});

test("a new table is as much everybody's as the table of records is, and no more", async () => {
  const { url, role, readers } = await upgraded();
  const { rows } = await withClient({ url }, (client) =>
    client.query<{ grants: readonly string[] }>(
      `select array_agg(distinct r.rolname || ' ' || lower(a.privilege_type) || case when a.is_grantable then ' on' else '' end) as grants
         from pg_class c, aclexplode(c.relacl) a, pg_roles r
        where c.oid = 'holdfast.record_event'::regclass and r.oid = a.grantee and r.rolname = any($1)`,
      [[role, readers]],
    ),
  );
  const own = ["delete", "insert", "select", "update"].map((privilege) => `${role} ${privilege}`);
  expect(rows[0]?.grants.toSorted()).toEqual([...own, `${readers} select on`].toSorted());
});

test("no table is made that such a role may not use", async () => {
  const { url, role } = await upgraded();
  const { rows } = await withClient({ url }, (client) =>
    client.query(
      `select c.relname, p.privilege
         from pg_class c, unnest('{select,insert,update,delete}'::text[]) as p (privilege)
        where c.relnamespace = 'holdfast'::regnamespace and c.relkind in ('r', 'p')
          and not has_table_privilege($1, c.oid, p.privilege)`,
      [role],
    ),
  );
  expect(rows).toEqual([]);
});

test("tables that were not made by whoever migrates are no hindrance to their owner", async () => {
  const { url, drop } = await createEmptyDatabase();
  cleanUps.push(drop);
  const owner = `holdfast_owner_${randomBytes(4).toString("hex")}`;
  await run(inject("postgresUrl"), `create role ${owner} login`);
  cleanUps.push(() => run(inject("postgresUrl"), `drop role ${owner}`));
  cleanUps.push(() => run(url, `drop owned by ${owner} cascade`));
  const old = (await readMigrations()).filter(({ version }) => version <= 2);
  await run(url, `do $$ begin execute format('grant create on database %I to ${owner}', current_database()); end $$`);
  await withClient({ url }, async (client) => {
    await client.query(`set role ${owner}`);
    await migrate(client, old);
    await client.query("reset role");
    await migrate(client);
  });
  expect(await check(`${url}${url.includes("?") ? "&" : "?"}user=${owner}`)).toEqual([]);
});

test.each([
  ["insert", "record_event"],
  ["delete", "record_event"],
  ["update", "audit"],
  ["insert", "audit"],
  ["update", "audit_head"],
  ["delete", "record"],
])(
  "a server is told at its start that %s on %s is missing, and the SQL that it says mends it",
  async (privilege, table) => {
    const { url, role, roleUrl } = await upgraded();
    await run(url, `revoke ${privilege} on holdfast.${table} from ${role}`);
    const problems = await check(roleUrl);
    expect(problems).toEqual([
      {
        what: `The role may not use all of the schema holdfast: it lacks ${privilege} on ${table}.`,
        mend: expect.any(String),
      },
    ]);
    const sql = /^Run: (.*)$/.exec(problems[0]?.mend ?? "")?.[1] ?? "";
    await run(url, sql);
    expect(await check(roleUrl)).toEqual([]);
  },
);
