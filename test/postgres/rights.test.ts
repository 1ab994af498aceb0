import { randomBytes } from "node:crypto";
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Client } from "pg";
import { afterAll, beforeAll, expect, inject, test } from "vitest";
import { withClient } from "../../src/store/postgres/connection.ts";
import { migrate } from "../../src/store/postgres/migrate.ts";
import { grantsSql, RIGHTS } from "../../src/store/postgres/rights.ts";
import { checkDatabase } from "../../src/store/postgres/startup.ts";
import { createEmptyDatabase, createTestDatabase, type TestDatabase, withUser } from "../support/database.ts";

const source = join(import.meta.dirname, "../../src");
const operations = readFileSync(join(import.meta.dirname, "../../docs/operations.md"), "utf8");
/** Every statement of a server. */
const statements = globSync("**/*.sql", { cwd: source })
  .filter((path) => !path.includes("/migrations/"))
  .map((path) => readFileSync(join(source, path), "utf8"));

const cleanUps: (() => Promise<unknown>)[] = [];
let database: TestDatabase;
let role: string;

beforeAll(async () => {
  database = await createTestDatabase();
  cleanUps.push(database.drop);
  await withClient(database, async (client) => {
    const { rows } = await client.query<{ role: string }>("select current_user as role");
    role = rows[0]?.role ?? "";
  });
});

afterAll(async () => {
  for (const cleanUp of cleanUps.reverse()) await cleanUp();
});

const asOwner = <T>(body: (client: Client) => Promise<T>) => withClient({ url: database.ownerUrl }, body);

/** Whether it may be run, by whoever is connected. Arguments of null reach nothing; rights are asked for all the same. */
async function isAllowed(client: Client, statement: string): Promise<boolean> {
  const count = new Set(statement.match(/\$\d+/g)).size;
  await client.query(`prepare explained as ${statement}`);
  try {
    await client.query(`explain execute explained ${count === 0 ? "" : `(${Array(count).fill("null").join(", ")})`}`);
    return true;
  } catch (error) {
    if ((error as { readonly code?: string }).code === "42501") return false;
    throw error;
  } finally {
    await client.query("deallocate explained");
  }
}

test("every table has its line among the rights", async () => {
  const { rows } = await asOwner((client) =>
    client.query<{ tables: readonly string[] }>(
      "select array_agg(tablename::text order by tablename) as tables from pg_tables where schemaname = 'holdfast'",
    ),
  );
  expect(Object.keys(RIGHTS).toSorted()).toEqual(rows[0]?.tables);
});

test("with its rights a server's role may run every statement there is, and owns nothing", async () => {
  expect(statements.length).toBeGreaterThan(50);
  await withClient(database, async (client) => {
    await client.query("set plan_cache_mode = force_generic_plan");
    for (const statement of statements) expect(await isAllowed(client, statement), statement).toBe(true);
  });
  const owned = "select from pg_shdepend where refobjid = $1::regrole and deptype = 'o'";
  expect((await asOwner((client) => client.query(owned, [role]))).rowCount).toBe(0);
});

/** What no file asks for: which body of a function that triggers call does, or which line of migrate.ts. */
const BESIDES: Readonly<Record<string, RegExp>> = {
  "insert on record_event": /insert into holdfast\.record_event/,
  "update on record_event": /update holdfast\.record_event/,
  "delete on record_event": /delete from holdfast\.record_event/,
  "select on migration": /from holdfast\.migration/,
};

test.each(Object.entries(RIGHTS))("every right on %s is needed", async (table, rights) => {
  const concerned = statements.filter((text) => new RegExp(`holdfast\\.${table}\\b`).test(text));
  const bodies = "select string_agg(prosrc, '') as text from pg_proc where pronamespace = 'holdfast'::regnamespace";
  await asOwner(async (owner) => {
    const { rows } = await owner.query<{ text: string }>(bodies);
    const elsewhere = `${rows[0]?.text}${readFileSync(join(source, "store/postgres/migrate.ts"), "utf8")}`;
    await withClient(database, async (client) => {
      await client.query("set plan_cache_mode = force_generic_plan");
      for (const right of rights) {
        await owner.query(`revoke ${right} on holdfast.${table} from ${role}`);
        const allowed = [];
        for (const statement of concerned) allowed.push(await isAllowed(client, statement));
        await owner.query(`grant ${right} on holdfast.${table} to ${role}`);
        const isNeeded = allowed.includes(false) || BESIDES[`${right} on ${table}`]?.test(elsewhere);
        expect([right, isNeeded]).toEqual([right, true]);
      }
    });
  });
});

const TABLES = Object.keys(RIGHTS);

beforeAll(() =>
  asOwner((client) => client.query("create schema neighbour; create table neighbour.secret as select 'x' as what")),
);

/** Each is refused for want of a right, and for nothing else. */
async function expectRefused(client: Client, statements: readonly string[]): Promise<void> {
  // What a session can switch off for itself is no protection.
  await client.query("set default_transaction_read_only = off");
  for (const statement of statements) {
    const code = await client.query(statement).then(
      () => "nothing: it was done",
      (error: { readonly code?: string }) => error.code,
    );
    expect([statement, code]).toEqual([statement, "42501"]);
  }
}

test.each(TABLES)("a server's role may not change the table %s, nor empty it at once", async (table) => {
  await withClient(database, (client) =>
    expectRefused(client, [
      `drop table holdfast.${table}`,
      `truncate holdfast.${table} cascade`,
      `alter table holdfast.${table} add column more text`,
      `alter table holdfast.${table} disable trigger all`,
      `alter table holdfast.${table} owner to current_user`,
      `create trigger mine before insert on holdfast.${table} execute function holdfast.audit_keep()`,
      `create index on holdfast.${table} ((1))`,
    ]),
  );
});

test.each([
  [
    "make or change anything of the schema",
    [
      "drop schema holdfast cascade",
      "create table holdfast.mine (a int)",
      "drop function holdfast.audit_keep cascade",
      "create or replace function holdfast.audit_keep() returns trigger language plpgsql as 'begin return new; end'",
      "set session_replication_role = replica",
    ],
  ],
  [
    "change what migrations have left, nor delete what is to stay",
    [
      "update holdfast.migration set checksum = ''",
      "update holdfast.identity set id = gen_random_uuid()",
      "update holdfast.placement set identity = gen_random_uuid()",
      ...["audit", "audit_head", "api_key", "tenant_key", "fence_floor"].map(
        (table) => `delete from holdfast.${table}`,
      ),
    ],
  ],
  [
    "read another schema, or make one",
    [
      "select * from neighbour.secret",
      "insert into neighbour.secret values ('x')",
      "create table public.mine (a int)",
      "create schema mine",
    ],
  ],
  [
    "leave its database",
    [
      "select rolpassword from pg_authid",
      "create role mine superuser",
      "alter role current_user createdb",
      "create database mine",
      "copy holdfast.tenant to program 'cat'",
      "copy holdfast.tenant to '/tmp/mine'",
      "select pg_read_file('postgresql.conf')",
      "alter system set fsync = off",
    ],
  ],
])("a server's role may not %s", async (_what, refused) => {
  await withClient(database, (client) => expectRefused(client, refused));
});

/** The SQL under a heading of docs/operations.md, with its roles renamed, for roles are of a whole server. */
function documented(heading: string, names: Readonly<Record<string, string>>): string {
  const [, section = ""] = operations.split(`### ${heading}\n`);
  const sql = /```sql\n(.*?)```/s.exec(section)?.[1] ?? "";
  return sql.replace(/\b(?:holdfast_\w+|on database holdfast)\b/g, (name) => names[name] ?? name);
}

const unique = (name: string) => `holdfast_${name}_${randomBytes(4).toString("hex")}`;

test("what is documented for the owner is enough to migrate, and for a server of it to start", async () => {
  const { ownerUrl, drop } = await createEmptyDatabase();
  const [owner, server] = [unique("owner"), unique("server")];
  cleanUps.push(
    () => withClient({ url: inject("postgresUrl") }, (client) => client.query(`drop role ${owner}, ${server}`)),
    drop,
  );
  const name = /\/([^/?]+)(?:\?|$)/.exec(ownerUrl)?.[1] ?? "";
  const names = { holdfast_owner: owner, holdfast_server: server, "on database holdfast": `on database ${name}` };
  await withClient({ url: ownerUrl }, (client) => client.query(documented("The owner", names)));
  await withClient({ url: ownerUrl }, async (client) => {
    await client.query(`set role ${owner}`);
    expect(await migrate(client)).toContain("0001_record.sql");
    expect(await migrate(client)).toEqual([]);
    await client.query("reset role");
    // The owner may make it if it may make roles; otherwise whoever made the owner does.
    await client.query(/^create role .*$/m.exec(documented("The servers", names))?.[0] ?? "");
    await client.query(`set role ${owner}`);
    await client.query(documented("The servers", names).replace(/^create role .*$/m, ""));
    await client.query("reset role");
    await client.query(`set role ${server}`);
    expect(await checkDatabase(client, { allowUnsafeDatabase: true })).toEqual([]);
  });
});

test("what is documented for servers is what a start asks for, word by word", () => {
  const sql = documented("The servers", {})
    .replace(/^create role .*$/m, "")
    .replace(/\s+/g, " ")
    .trim();
  expect(sql).toBe(grantsSql("holdfast_server").join(" "));
});

test("what is documented for those who only look lets them look, and see nothing that opens something or was sent", async () => {
  const reader = unique("reader");
  cleanUps.push(() => asOwner((client) => client.query(`drop owned by ${reader}; drop role ${reader}`)));
  await asOwner((client) => client.query(documented("Those who only look", { holdfast_reader: reader })));
  await asOwner((client) => client.query(`alter role ${reader} password 'of-a-test'`));
  await withClient({ url: withUser(database.ownerUrl, reader, "of-a-test") }, async (client) => {
    for (const statement of [
      "select tenant, state, count(*) from holdfast.record where end_time is null group by 1, 2",
      "select kind, count(*) from holdfast.record_event group by 1",
      "select id, health, draining from holdfast.tenant",
      "select tenant, live_records, stored_bytes from holdfast.tenant_usage",
      "select time, actor, action from holdfast.audit",
      "select version, name from holdfast.migration",
    ]) {
      await client.query(statement);
    }
    const columns = {
      record: ["lease_token", "suspect_token", "claim_id", "key", "fingerprint", "outcome", "checkpoint", "evidence"],
      record_event: ["error", "evidence", "key"],
      audit: ["record_key", "salt", "detail", "reason"],
      tenant: ["validator_url", "agent_url"],
      api_key: ["id", "hash"],
      tenant_key: ["wrapped"],
    };
    await expectRefused(client, [
      ...Object.entries(columns).flatMap(([table, names]) =>
        names.map((name) => `select ${name} from holdfast.${table}`),
      ),
      ...TABLES.flatMap((table) => [`delete from holdfast.${table}`, `truncate holdfast.${table}`]),
      "update holdfast.record set state = 3",
      "insert into holdfast.tenant (id) values ('x')",
    ]);
  });
});
