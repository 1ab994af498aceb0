import pg from "pg";
import { afterAll, expect, test } from "vitest";
import { withClient } from "../../src/store/postgres/connection.ts";
import {
  createEmptyDatabase,
  createTestDatabase,
  type TestDatabase,
  withDatabase,
  withUser,
} from "../support/database.ts";

const made: TestDatabase[] = [];

afterAll(async () => {
  for (const database of made) await database.drop();
});

async function tables(url: string): Promise<readonly unknown[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    const text = "select table_name from information_schema.tables where table_schema = 'holdfast' order by 1";
    return (await client.query({ text, rowMode: "array" })).rows.flat();
  } finally {
    await client.end();
  }
}

test("each caller gets a migrated database of its own, also when many ask at once", async () => {
  made.push(...(await Promise.all(Array.from({ length: 8 }, () => createTestDatabase()))));
  expect(new Set(made.map(({ url }) => url)).size).toBe(made.length);
  for (const { url } of made) expect(await tables(url)).toContain("migration");
});

test("an empty database has nothing in it, and is gone when dropped", async () => {
  const database = await createEmptyDatabase();
  expect(await tables(database.url)).toEqual([]);
  await database.drop();
  await expect(tables(database.url)).rejects.toMatchObject({ code: "3D000" });
});

test.for([
  ["postgres://u:p@h:5432/a?sslmode=require", "postgres://u:p@h:5432/b?sslmode=require"],
  ["postgresql://h", "postgresql://h/b"],
  ["postgres:///a?host=/run", "postgres:///b?host=/run"],
  ["postgres://u@/a?host=/run", "postgres://u@/b?host=/run"],
  ["postgres://u@%2Frun/a", "postgres://u@%2Frun/b"],
])("the database of %s is exchanged", ([from = "", to]) => {
  expect(withDatabase(from, "b")).toBe(to);
});

test.for([
  ["postgres://u:p@h:5432/a?sslmode=require", "postgres://h:5432/a?sslmode=require&user=x&password=y"],
  ["postgresql://h", "postgresql://h?user=x&password=y"],
  ["postgres:///a?host=/run&port=5432&user=postgres", "postgres:///a?host=/run&port=5432&user=x&password=y"],
  ["postgres://u@%2Frun/a?password=p", "postgres://%2Frun/a?user=x&password=y"],
])("the user of %s is exchanged", ([from = "", to]) => {
  expect(withUser(from, "x", "y")).toBe(to);
});

test("servers enter a database as somebody who owns nothing, and a test as its owner", async () => {
  const database = await createTestDatabase();
  made.push(database);
  const { url, ownerUrl } = database;
  const may =
    "select has_schema_privilege('holdfast', 'create') as create, rolsuper or rolcreaterole or rolcreatedb or rolbypassrls as more from pg_roles where rolname = current_user";
  const [server, owner] = await Promise.all(
    [url, ownerUrl].map((one) => withClient({ url: one }, (client) => client.query(may))),
  );
  expect(server?.rows).toEqual([{ create: false, more: false }]);
  expect(owner?.rows).toEqual([{ create: true, more: expect.any(Boolean) }]);
});
