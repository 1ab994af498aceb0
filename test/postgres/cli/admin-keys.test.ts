import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pg from "pg";
import { afterAll, beforeAll, expect, test } from "vitest";
import { admin } from "../../../src/cli/admin.ts";
import { systemClock } from "../../../src/clock.ts";
import { createKeyRing } from "../../../src/store/sealed/key-ring.ts";
import { parseMasterKeys } from "../../../src/store/sealed/master-keys.ts";
import { createPostgresTenantKeyTable } from "../../../src/store/sealed/postgres/tenant-key-table.ts";
import { createTestDatabase, type TestDatabase } from "../../support/database.ts";

const directory = mkdtempSync(join(tmpdir(), "holdfast-keys-"));
const [OLD, NEW] = [`old:${randomBytes(32).toString("base64")}`, `new:${randomBytes(32).toString("base64")}`];
let database: TestDatabase;
let client: pg.Client;

beforeAll(async () => {
  database = await createTestDatabase();
  client = new pg.Client({ connectionString: database.url });
  await client.connect();
  for (const tenant of ["acme", "other"]) await ring(OLD).of(tenant);
});
afterAll(async () => {
  await client?.end();
  await database?.drop();
  rmSync(directory, { recursive: true });
});

function ring(...lines: readonly string[]) {
  const parsed = parseMasterKeys(lines.join("\n"));
  if (parsed.kind !== "master-keys") throw new Error(parsed.problems.join());
  const connection = {
    query: async <Row>(statement: { readonly name: string; readonly text: string }, values: readonly unknown[]) =>
      (await client.query({ ...statement, values: [...values] })).rows as Row[],
  };
  const table = createPostgresTenantKeyTable({ run: (work) => work(connection) });
  const { masterKeys } = parsed;
  return createKeyRing({
    ...{ table, masterKeys, clock: systemClock, tenantsMax: 10, refreshMs: 60_000, onRefreshFailed() {} },
  });
}

/** What the command prints, and how it ends. */
async function run(args: readonly string[], ...masterKeys: readonly string[]) {
  const file = join(directory, "master");
  writeFileSync(file, masterKeys.join("\n"));
  const [out, errors]: [string[], string[]] = [[], []];
  const code = await admin([...args, ...(masterKeys.length > 0 ? ["--master-key-file", file] : [])], {
    out: (text) => void out.push(text),
    error: (text) => void errors.push(text),
    terminal: true,
    env: { HOLDFAST_DATABASE_URL: database.url },
  });
  return { code, text: [...out, ...errors].join("") };
}

const keys = async () => {
  const { rows } = await client.query("select tenant, version, master_key from holdfast.tenant_key order by 1, 2");
  return rows.map(({ tenant, version, master_key }) => `${tenant} ${version} ${master_key}`);
};

test("a tenant is given a new key, and all keys are wrapped with a new master key", async () => {
  expect(await run(["rotate-key", "acme"], OLD)).toEqual({
    code: 0,
    text: "acme has key 2. Servers write with it within a minute; what older keys sealed is read with them.\n",
  });
  expect(await keys()).toEqual(["acme 1 old", "acme 2 old", "other 1 old"]);
  expect(await run(["rewrap-keys"], NEW)).toMatchObject({ code: 1, text: expect.stringContaining("3 could not be") });
  expect(await keys()).toEqual(["acme 1 old", "acme 2 old", "other 1 old"]);
  expect(await run(["rewrap-keys"], NEW, OLD)).toEqual({
    code: 0,
    text: "3 keys of tenants were wrapped anew, with the master key new. Others are needed no more.\n",
  });
  expect(await keys()).toEqual(["acme 1 new", "acme 2 new", "other 1 new"]);
  expect((await ring(NEW).of("acme")).newest().version).toBe(2);
  await expect((async () => ring(OLD).of("acme"))()).rejects.toThrow("new");
});

test.each<[string, readonly string[], RegExp]>([
  ["no tenant", ["rotate-key"], /say whose/],
  ["a tenant without keys", ["rotate-key", "nobody"], /nobody has no keys/],
  ["two tenants", ["rotate-key", "acme", "other"], /does not take "other"/],
  ["an unknown word", ["rotate"], /does not take "rotate"/],
])("%s is an error that says what to do", async (_, args, text) => {
  const told = await run(args, OLD);
  expect(told.code).not.toBe(0);
  expect(told.text).toMatch(text);
  expect(told.text).not.toContain(OLD.slice(4));
});

test("without master keys, or with what are none, nothing is done", async () => {
  expect(await run(["rotate-key", "acme"])).toMatchObject({
    code: 1,
    text: expect.stringContaining("--master-key-file"),
  });
  const { code, text } = await run(["rewrap-keys"], "old:geheim");
  expect(code).toBe(1);
  expect(text).not.toContain("geheim");
});
