import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { afterAll, expect, test } from "vitest";
import { withClient } from "../../src/store/postgres/connection.ts";
import {
  checkSchema,
  type Migration,
  migrate,
  planMigrations,
  readMigrations,
} from "../../src/store/postgres/migrate.ts";
import { createEmptyDatabase } from "../support/database.ts";

const drops: (() => Promise<void>)[] = [];

afterAll(async () => {
  await Promise.all(drops.map((drop) => drop()));
});

async function emptyDatabase(): Promise<string> {
  const { url, drop } = await createEmptyDatabase();
  drops.push(drop);
  return url;
}

const names = async () => (await readMigrations()).map(({ name }) => name);

function migrateOnce(url: string, migrations?: readonly Migration[]) {
  return withClient({ url }, (client) => migrate(client, migrations));
}

function made(version: number, text: string): Migration {
  return { version, name: `${String(version).padStart(4, "0")}_made.sql`, text, checksum: `of ${text}` };
}

/** What is in the database besides the catalogue's own. */
function objects(url: string) {
  return withClient({ url }, async (client) => {
    const { rows } = await client.query<{ what: string }>(
      "select oid::regclass::text as what from pg_class where relnamespace::regnamespace::text not in ('pg_catalog', 'information_schema', 'pg_toast') order by 1",
    );
    return rows.map(({ what }) => what);
  });
}

test("files are numbered from one without a gap", async () => {
  const versions = (await readMigrations()).map(({ version }) => version);
  expect(versions).toEqual(versions.map((_, i) => i + 1));
  expect(versions.length).toBeGreaterThan(0);
});

test("migrating three times runs everything once", async () => {
  const url = await emptyDatabase();
  expect(await migrateOnce(url)).toEqual(await names());
  const after = await objects(url);
  expect(await migrateOnce(url)).toEqual([]);
  expect(await migrateOnce(url)).toEqual([]);
  expect(await objects(url)).toEqual(after);
  expect(after).toContain("holdfast.record");
});

test("many sessions may migrate an empty database at once: one runs it, the others find it done", async () => {
  const url = await emptyDatabase();
  const done = await Promise.all(Array.from({ length: 5 }, () => migrateOnce(url)));
  expect(done.filter((ran) => ran.length > 0)).toEqual([await names()]);
});

test("two processes may migrate an empty database at once", async () => {
  const url = await emptyDatabase();
  const script = `
    const { withClient } = await import(${JSON.stringify(new URL("../../src/store/postgres/connection.ts", import.meta.url))});
    const { migrate } = await import(${JSON.stringify(new URL("../../src/store/postgres/migrate.ts", import.meta.url))});
    console.log(JSON.stringify(await withClient({ url: process.argv[1] }, (client) => migrate(client))));`;
  const runs = await Promise.all(
    [1, 2].map(() => promisify(execFile)(process.execPath, ["--input-type=module", "-e", script, url])),
  );
  const ran = runs.map(({ stdout }): unknown => JSON.parse(stdout));
  expect(ran).toContainEqual(await names());
  expect(ran).toContainEqual([]);
});

test("the plan tells what would run and changes nothing", async () => {
  const url = await emptyDatabase();
  const plan = () => withClient({ url }, (client) => planMigrations(client));
  expect((await plan()).map(({ name }) => name)).toEqual(await names());
  expect(await objects(url)).toEqual([]);
  await migrateOnce(url);
  expect(await plan()).toEqual([]);
});

test("the schema is behind, current, ahead or changed, and each says what to do", async () => {
  const url = await emptyDatabase();
  const one = made(1, "create table one (a int)");
  const two = made(2, "create table two (a int)");
  const status = (...known: readonly Migration[]) => withClient({ url }, (client) => checkSchema(client, known));
  expect(await status(one, two)).toMatchObject({
    kind: "behind",
    pending: [one.name, two.name],
    sentence: expect.stringContaining("Run: holdfast migrate"),
  });
  await migrateOnce(url, [one]);
  expect(await status(one)).toMatchObject({ kind: "current", version: 1 });
  expect(await status(one, two)).toMatchObject({ kind: "behind", pending: [two.name] });
  expect(await migrateOnce(url, [one, two])).toEqual([two.name]);
  expect(await status(one)).toMatchObject({
    kind: "ahead",
    unknown: [two.name],
    sentence: expect.stringContaining("use a newer holdfast"),
  });
  expect(await status({ ...one, checksum: "other" }, two)).toMatchObject({ kind: "changed", changed: [one.name] });
});

test("a schema that is newer is gone on with where each migration that is not known allows it", async () => {
  const url = await emptyDatabase();
  const [one, two, three] = [1, 2, 3].map((version) => made(version, `create table made_${version} (a int)`)) as [
    Migration,
    Migration,
    Migration,
  ];
  const status = (...known: readonly Migration[]) => withClient({ url }, (client) => checkSchema(client, known));
  await migrateOnce(url, [one, { ...two, oldestReader: 1 }]);
  expect(await status(one)).toMatchObject({ kind: "newer", unknown: [two.name] });
  expect(await migrateOnce(url, [one])).toEqual([]);
  expect(await status({ ...one, checksum: "other" })).toMatchObject({ kind: "changed" });

  // Who knows the second one may go on, who knows the first alone may not.
  await migrateOnce(url, [one, two, { ...three, oldestReader: 2 }]);
  expect(await status(one, two)).toMatchObject({ kind: "newer", unknown: [three.name] });
  expect(await status(one)).toMatchObject({ kind: "ahead", unknown: [two.name, three.name] });
  expect(await status(one, two, three)).toMatchObject({ kind: "current", version: 3 });
});

test("a register of before there were readers is read, and extended by the next migration", async () => {
  const url = await emptyDatabase();
  const one = made(1, "create table one (a int)");
  const two = made(2, "create table two (a int)");
  await migrateOnce(url, [one]);
  await withClient({ url }, (client) => client.query("alter table holdfast.migration drop column oldest_reader"));
  const status = (...known: readonly Migration[]) => withClient({ url }, (client) => checkSchema(client, known));
  expect(await status(one)).toMatchObject({ kind: "current" });
  expect(await status()).toMatchObject({ kind: "ahead" });
  expect(await migrateOnce(url, [one, two])).toEqual([two.name]);
  expect(await status(one, two)).toMatchObject({ kind: "current" });
});

test("each file after the second says which builds may go on with what it leaves", async () => {
  const later = (await readMigrations()).filter(({ version }) => version > 2);
  expect(later.filter(({ text }) => !/^-- oldest-reader: \d+$/m.test(text)).map(({ name }) => name)).toEqual([]);
  for (const { version, oldestReader } of later) expect(oldestReader).toBeLessThanOrEqual(version);
});

test("a table that somebody holds makes nobody wait for long behind the migration, which changes nothing", async () => {
  const url = await emptyDatabase();
  const one = made(1, "create table held (a int)");
  const two = made(2, "create table before (a int); alter table held add column b int");
  await migrateOnce(url, [one]);
  await withClient({ url }, async (holder) => {
    await holder.query("begin; select from held");
    await expect(migrateOnce(url, [one, two])).rejects.toMatchObject({ name: "TablesInUse" });
  });
  expect(await objects(url)).not.toContain("before");
  expect(await migrateOnce(url, [one, two])).toEqual([two.name]);
});

test("a migration may take its time where the role's statements may not", async () => {
  const url = await emptyDatabase();
  await withClient({ url }, (client) =>
    client.query(`do $$ begin
      execute format('alter database %I set statement_timeout = 50', current_database());
    end $$`),
  );
  const slow = made(1, "select pg_sleep(0.2)");
  expect(await migrateOnce(url, [slow])).toEqual([slow.name]);
});

test("nothing is run on a schema that is ahead or changed", async () => {
  const url = await emptyDatabase();
  const [one, two, three] = [1, 2, 3].map((version) => made(version, `create table made_${version} (a int)`)) as [
    Migration,
    Migration,
    Migration,
  ];
  await migrateOnce(url, [one, two]);
  await expect(migrateOnce(url, [one, three])).rejects.toThrow("newer than this build");
  await expect(migrateOnce(url, [{ ...one, checksum: "other" }, two, three])).rejects.toThrow("differs");
  expect(await objects(url)).not.toContain("made_3");
});

test("a migration that fails leaves nothing behind, not even those before it", async () => {
  const url = await emptyDatabase();
  const good = made(1, "create table good (a int)");
  const bad = made(2, "create table half (a int); select 1 / 0");
  await expect(migrateOnce(url, [good, bad])).rejects.toMatchObject({ code: "22012" });
  expect(await objects(url)).toEqual([]);
  expect(await migrateOnce(url, [good])).toEqual([good.name]);
});

test("a role that may create nothing finds a current schema current", async () => {
  const url = await emptyDatabase();
  await migrateOnce(url);
  const ran = await withClient({ url }, async (client) => {
    await client.query("grant usage on schema holdfast to pg_monitor");
    await client.query("grant select on holdfast.migration to pg_monitor");
    await client.query("set role pg_monitor");
    return migrate(client);
  });
  expect(ran).toEqual([]);
});
