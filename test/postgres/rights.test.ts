import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Client } from "pg";
import { afterAll, beforeAll, expect, test } from "vitest";
import { withClient } from "../../src/store/postgres/connection.ts";
import { RIGHTS } from "../../src/store/postgres/rights.ts";
import { createTestDatabase, type TestDatabase } from "../support/database.ts";
import { expectRefused } from "./refused.ts";

const source = join(import.meta.dirname, "../../src");
/** Every statement of a server; what is in caller/ is for applications' databases. */
const statements = globSync("**/*.sql", { cwd: source })
  .filter((path) => !path.includes("/migrations/") && !path.includes("/caller/"))
  .map((path) => readFileSync(join(source, path), "utf8"));

let database: TestDatabase;
let role: string;

beforeAll(async () => {
  database = await createTestDatabase();
  await withClient(database, async (client) => {
    const { rows } = await client.query<{ role: string }>("select current_user as role");
    role = rows[0]?.role ?? "";
  });
});

afterAll(() => database.drop());

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
