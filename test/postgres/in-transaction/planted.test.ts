import { randomUUID } from "node:crypto";
import { Client } from "pg";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { installFence } from "../../../src/store/postgres/caller/install.ts";
import { createEmptyDatabase, type TestDatabase, withUser } from "../../support/database.ts";
import { refusalOf } from "./stand.ts";

/** Another role of the database, which would like to be more. */
const mallory = `holdfast_mallory_${randomUUID().slice(0, 8)}`;

let database: TestDatabase;
let installer: Client;
let other: Client;
let schema = "";

beforeAll(async () => {
  database = await createEmptyDatabase();
  installer = await connect(database.url);
  await installer.query(`create role ${mallory} login password 'of-a-test'; create table ran (as_role text)`);
  await installer.query("grant insert, select on ran to public");
  other = await connect(withUser(database.url, mallory, "of-a-test"));
});

afterAll(async () => {
  await other.end();
  await installer.query(`drop owned by ${mallory}; drop role ${mallory}`);
  await installer.end();
  await database.drop();
});

beforeEach(async () => {
  schema = `s_${randomUUID().slice(0, 8)}`;
  await installer.query(`create schema ${schema}; grant usage, create on schema ${schema} to ${mallory}; truncate ran`);
});

async function connect(connectionString: string): Promise<Client> {
  const client = new Client({ connectionString });
  await client.connect();
  return client;
}

const install = () => refusalOf(installFence(installer, schema));
const revoke = () => installer.query(`revoke create on schema ${schema} from ${mallory}`);
const ranAs = async () => (await installer.query("select as_role from public.ran")).rows.map(({ as_role }) => as_role);

/** Functions of the name that tell whose rights they are run with. */
const spy = (name: string, args: string, returns: string, value: string) =>
  other.query(`create function ${schema}.${name}(${args}) returns ${returns} language plpgsql as $$
    begin insert into public.ran values (current_user); return ${value}; end $$`);

describe("the fence is not installed", () => {
  test.each([
    ["another role", () => mallory],
    ["everybody", () => "public"],
  ])("where %s may create objects, and says what to do", async (_who, role) => {
    await revoke();
    await installer.query(`grant create on schema ${schema} to ${role()}`);
    expect(await install()).toBe(
      `42501 others may create objects in the schema "${schema}": revoke create on schema "${schema}" from ${role()}; or use a schema of its own`,
    );
    expect((await installer.query("select to_regclass($1) as made", [`${schema}.holdfast_fences`])).rows).toEqual([
      { made: null },
    ]);
  });

  test("over a version that another role has left there, and that is not called", async () => {
    await spy("holdfast_sql_version", "", "integer", "1");
    await revoke();
    expect(await install()).toBe(
      `42501 "${schema}".holdfast_sql_version() is there, and is owned by ${mallory}: install as that role if it is your own, or else drop it`,
    );
    expect(await ranAs()).toEqual([]);
  });

  test("over a table that another role has left there, with what its trigger would do", async () => {
    await other.query(
      `create table ${schema}.holdfast_fences (resource text collate "C", fence bigint, constraint holdfast_fences_pkey primary key (resource))`,
    );
    await spy("t", "", "trigger", "new");
    await other.query(
      `create trigger t before insert on ${schema}.holdfast_fences for each row execute function ${schema}.t()`,
    );
    await revoke();
    expect(await install()).toMatch(/^42501 "s_\w+"\.holdfast_fences is there, and is owned by /);
    expect(await ranAs()).toEqual([]);
  });

  test("beside a function of its name that callers could meet instead", async () => {
    await spy("holdfast_fence", "resource text, fence integer", "integer", "1");
    await revoke();
    expect(await install()).toMatch(/^42501 "s_\w+"\.holdfast_fence\(resource text, fence integer\) is there/);
  });

  test("over a version of its own role that no holdfast has written, and that is not called", async () => {
    await installer.query(`create function ${schema}.holdfast_sql_version() returns integer language plpgsql as $$
      begin insert into public.ran values ('version'); return 1; end $$`);
    await revoke();
    expect(await install()).toBe(
      `55000 "${schema}".holdfast_sql_version() is not what a holdfast has installed: drop it, or use another schema`,
    );
    expect(await ranAs()).toEqual([]);
  });
});

describe("a fence that is installed", () => {
  test("runs nothing that another role has made in its schema, before or since", async () => {
    await spy("octet_length", "text", "integer", "1");
    await revoke();
    expect(await install()).toBe("nothing: it was done");
    await installer.query(`grant create on schema ${schema} to ${mallory}`);
    await installer.query(`grant execute on function ${schema}.holdfast_fence to ${mallory}`);
    await spy("format", "text, bigint, bigint", "text", "'x'");
    await other.query(`set search_path = ${schema}, pg_catalog`);
    await other.query(`select ${schema}.holdfast_fence('order 1', 7)`);
    expect(await refusalOf(other.query(`select ${schema}.holdfast_fence('order 1', 5)`))).toBe(
      "LF001 LEASE_SUPERSEDED: fence 7 was here before fence 5",
    );
    await other.query("reset search_path");
    expect(await ranAs()).toEqual([]);
  });

  test("takes a resource from a column of any collation", async () => {
    await revoke();
    await install();
    await installer.query(`create table ${schema}.orders (name text collate "und-x-icu")`);
    await installer.query(`insert into ${schema}.orders values ('order 2')`);
    const fence = (number: number) =>
      refusalOf(installer.query(`select ${schema}.holdfast_fence(name, ${number}) from ${schema}.orders`));
    expect(await fence(6)).toBe("nothing: it was done");
    expect(await fence(5)).toMatch(/^LF001 /);
  });
});
