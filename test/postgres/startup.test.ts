import { randomBytes } from "node:crypto";
import { afterAll, expect, inject, test } from "vitest";
import { withClient } from "../../src/store/postgres/connection.ts";
import { checkDatabase, requireDatabase } from "../../src/store/postgres/startup.ts";
import { createEmptyDatabase, createTestDatabase, withDatabase } from "../support/database.ts";

const options = { allowUnsafeDatabase: true };
const cleanUps: (() => Promise<unknown>)[] = [];

afterAll(async () => {
  for (const cleanUp of cleanUps.reverse()) await cleanUp();
});

async function database(create = createTestDatabase) {
  const made = await create();
  cleanUps.push(made.drop);
  return { ...made, name: nameOf(made.url) };
}

function nameOf(url: string): string {
  return /\/([^/?]+)(?:\?|$)/.exec(url)?.[1] ?? "";
}

/** On the database as its role finds it in a new session. */
function check(url: string) {
  return withClient({ url }, (client) => checkDatabase(client, options));
}

function run(url: string, ...statements: readonly string[]) {
  return withClient({ url }, async (client) => {
    for (const statement of statements) await client.query(statement);
  });
}

test("a migrated database is accepted", async () => {
  const { url } = await database();
  expect(await check(url)).toEqual([]);
  await withClient({ url }, (client) => requireDatabase(client, options));
});

test("durability is checked unless that was waived", async () => {
  const { url } = await database();
  const off =
    "select from pg_settings where name in ('fsync', 'full_page_writes', 'synchronous_commit') and setting = 'off'";
  const [problems, { rowCount }] = await withClient({ url }, async (client) =>
    Promise.all([await checkDatabase(client), await client.query(off)]),
  );
  expect(problems).toHaveLength(rowCount ?? -1);
});

test("an empty database is told to migrate", async () => {
  const { url } = await database(createEmptyDatabase);
  expect(await check(url)).toEqual([{ what: expect.stringContaining("Run: holdfast migrate"), mend: "" }]);
});

test("what is wrong with the database's defaults is told all at once", async () => {
  const { url, name } = await database(createEmptyDatabase);
  await run(
    url,
    `alter database ${name} set default_transaction_isolation = 'serializable'`,
    `alter database ${name} set default_transaction_read_only = on`,
    `alter database ${name} set synchronous_commit = off`,
  );
  const refusal = withClient({ url }, (client) => requireDatabase(client));
  await expect(refusal).rejects.toThrow(/serializable.*read-only.*synchronous_commit is off.*holdfast migrate/s);
});

test("a database of another encoding is refused", async () => {
  const name = `${nameOf((await database(createEmptyDatabase)).url)}_ascii`;
  const admin = inject("postgresUrl");
  await run(admin, `create database ${name} template template0 encoding 'SQL_ASCII' lc_collate 'C' lc_ctype 'C'`);
  cleanUps.push(() => run(admin, `drop database ${name} with (force)`));
  const problems = await check(withDatabase(admin, name));
  expect(problems[0]?.what).toContain("SQL_ASCII");
});

test("a role is told which grants it lacks, and is accepted with them and no more", async () => {
  const { ownerUrl: url, name } = await database();
  const role = `holdfast_plain_${randomBytes(4).toString("hex")}`;
  await run(url, `create role ${role}`);
  cleanUps.push(() => run(inject("postgresUrl"), `drop role ${role}`));
  cleanUps.push(() => run(url, `drop owned by ${role}`));
  const asRole = () =>
    withClient({ url }, async (client) => {
      await client.query(`set role ${role}`);
      return checkDatabase(client, options);
    });
  const lacking = await asRole();
  expect(lacking).toEqual([{ what: expect.stringContaining("may not use"), mend: expect.stringContaining("grant") }]);
  await run(
    url,
    `grant usage on schema holdfast to ${role}`,
    `grant select on all tables in schema holdfast to ${role}`,
  );
  const [lackingMore] = await asRole();
  expect(lackingMore?.what).toMatch(/may not use all .* it lacks insert on record, .*, update on audit_head\.$/);
  expect(lackingMore?.mend).toBe(lacking[0]?.mend);
  await run(url, /^Run: (.*)$/.exec(lacking[0]?.mend ?? "")?.[1] ?? "");
  expect(await asRole()).toEqual([]);
  expect(name).not.toBe("");
});

test("behind a pooler the role must have the settings, is told how, and is accepted with them", async () => {
  const { ownerUrl: url } = await database();
  const role = `holdfast_pooled_${randomBytes(4).toString("hex")}`;
  await run(url, `create role ${role} login`, `grant pg_read_all_data, pg_write_all_data to ${role}`);
  cleanUps.push(() => run(inject("postgresUrl"), `drop role ${role}`));
  cleanUps.push(() => run(url, `drop owned by ${role}`));
  const roleUrl = `${url}${url.includes("?") ? "&" : "?"}user=${role}`;
  const asRole = () => withClient({ url: roleUrl }, (client) => checkDatabase(client, { ...options, pooled: true }));
  const [problem, ...others] = await asRole();
  expect(others).toEqual([]);
  expect(problem).toEqual({ what: expect.stringContaining("pooler"), mend: expect.stringContaining("RECONNECT") });
  const sql = /^Run: (.*;) Then/.exec(problem?.mend ?? "")?.[1] ?? "";
  expect(sql).toContain("set statement_timeout = '3s';");
  await run(url, sql);
  expect(await asRole()).toEqual([]);
  expect(await withClient({ url: roleUrl }, (client) => checkDatabase(client, options))).toEqual([]);
  await run(url, `alter role ${role} set datestyle = 'German'`);
  expect(await asRole()).toEqual([{ what: "DateStyle is German, DMY.", mend: expect.stringContaining("ISO, YMD") }]);
});

test("a role that may not write the barrier is told so", async () => {
  const { ownerUrl: url } = await database();
  const role = `holdfast_mute_${randomBytes(4).toString("hex")}`;
  const revoke = `do $$ declare f regprocedure; begin
    for f in select oid from pg_proc where proname = 'pg_logical_emit_message' loop
      execute format('revoke execute on function %s from public', f);
    end loop;
  end $$`;
  await run(url, `create role ${role}`, revoke);
  cleanUps.push(() => run(inject("postgresUrl"), `drop role ${role}`));
  const problems = await withClient({ url }, async (client) => {
    await client.query(`set role ${role}`);
    return checkDatabase(client, options);
  });
  expect(problems.map(({ what }) => what)).toContainEqual(expect.stringContaining("barrier"));
});
