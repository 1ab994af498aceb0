import { randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import { Client } from "pg";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { runCommand } from "../../../src/cli/commands.ts";
import { withClient } from "../../../src/store/postgres/connection.ts";
import { createEmptyDatabase, type TestDatabase, withUser } from "../../support/database.ts";
import { expectRefused } from "../refused.ts";
import { refusalOf } from "./stand.ts";

const page = readFileSync(new URL("../../../docs/in-your-transaction.md", import.meta.url), "utf8");

/** The SQL under a heading of the page. */
function documented(heading: string): string {
  const [, section = ""] = page.split(`${heading}\n`);
  return /```sql\n(.*?)```/s.exec(section)?.[1] ?? "";
}

/** An application's own database: Holdfast's schema is not there. */
let database: TestDatabase;
let a: Client;
let b: Client;
let observer: Client;
let resource = "";

const install = (schema: string) => run("sql", "install", "--schema", schema, "--database-url", database.url);

async function run(...args: readonly string[]) {
  const [out, error] = [[] as string[], [] as string[]];
  const io = { out: (text: string) => out.push(text), error: (text: string) => error.push(text) };
  const code = await runCommand(args, { ...io, terminal: false, env: {} });
  return { code, out: out.join(""), error: error.join("") };
}

beforeAll(async () => {
  database = await createEmptyDatabase();
  expect((await install("app")).code).toBe(0);
  [a, b, observer] = [await connect(), await connect(), await connect()];
});

afterAll(async () => {
  await Promise.all([a, b, observer].map((client) => client.end()));
  await database.drop();
});

beforeEach(() => {
  resource = `order ${randomUUID()}`;
});

async function connect(): Promise<Client> {
  const client = new Client({ connectionString: database.url });
  await client.connect();
  return client;
}

const fence = (client: Client, number: bigint | null, name: string | null = resource) =>
  client.query("select app.holdfast_fence($1, $2)", [name, number]);

/** Resolves once b waits for a lock. */
async function untilWaiting(): Promise<void> {
  const waits = "select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'";
  while ((await observer.query(waits)).rowCount === 0);
}

describe("holdfast_fence", () => {
  test("lets the same attempt pass as often as it likes, and each later one", async () => {
    for (const number of [5n, 5n, 6n, 6n, 1_787_000_000_000_000n]) await fence(a, number);
  });

  test("refuses an attempt that another has succeeded, and says so", async () => {
    await fence(a, 6n);
    expect(await refusalOf(fence(b, 5n))).toBe("LF001 LEASE_SUPERSEDED: fence 6 was here before fence 5");
    await fence(b, 6n);
  });

  test("keeps the resources apart, byte by byte", async () => {
    await fence(a, 6n, `${resource} a`);
    await fence(a, 5n, `${resource} A`);
    await fence(a, 5n, `${resource} a `);
  });

  test.each([
    [null, 1n, "LF007 FIELD_INVALID: resource must be a text of 1 to 1024 bytes"],
    ["", 1n, "LF007 FIELD_INVALID: resource must be a text of 1 to 1024 bytes"],
    ["é".repeat(513), 1n, "LF007 FIELD_INVALID: resource must be a text of 1 to 1024 bytes"],
    ["x", 0n, "LF007 FIELD_INVALID: fence must be the attempt's, which is above 0"],
    ["x", -1n, "LF007 FIELD_INVALID: fence must be the attempt's, which is above 0"],
    ["x", null, "LF007 FIELD_INVALID: fence must be the attempt's, which is above 0"],
  ])("refuses what is no fence of anything (case %#)", async (name, number, refusal) => {
    expect(await refusalOf(fence(a, number, name))).toBe(refusal);
  });
});

describe("two attempts at the same moment", () => {
  const race = async (first: bigint, second: bigint, end: "commit" | "rollback") => {
    await a.query("begin");
    await fence(a, first);
    const racing = refusalOf(fence(b, second));
    await untilWaiting();
    await a.query(end);
    return racing;
  };

  describe.each(["a resource that is new", "a known resource"])("on %s", (kind) => {
    beforeEach(async () => {
      if (kind === "a known resource") await fence(a, 1n);
    });

    test.each([
      ["the later one waits for the earlier one's commit, and passes", 5n, 6n, "commit", "nothing: it was done"],
      ["the earlier one waits for the later one's commit, and is refused", 6n, 5n, "commit", "LF001"],
      ["the earlier one passes where the later one rolls back", 6n, 5n, "rollback", "nothing: it was done"],
      ["calls of the same attempt both pass", 5n, 5n, "commit", "nothing: it was done"],
    ] as const)("%s", async (_what, first, second, end, outcome) => {
      expect(await race(first, second, end)).toMatch(new RegExp(`^${outcome}`));
    });

    test("one that has passed with the same fence as before keeps a later one waiting all the same", async () => {
      await fence(a, 5n);
      expect(await race(5n, 6n, "commit")).toBe("nothing: it was done");
    });
  });

  test("under repeatable read the one that waited is rolled back, to be run again", async () => {
    await fence(a, 1n);
    await b.query("begin isolation level repeatable read");
    await b.query("select");
    await b.query("select * from app.holdfast_fences");
    await fence(a, 6n);
    expect(await refusalOf(fence(b, 5n))).toMatch(/^40001 /);
    await b.query("rollback");
  });
});

describe("holdfast sql install", () => {
  test("says what it has installed, and to whom it may be given", async () => {
    const { code, out, error } = await install("app");
    expect([code, error]).toEqual([0, ""]);
    expect(out).toMatch(/^Installed app\.holdfast_fence\(resource, fence\), version 1\./);
  });

  test("changes nothing when it is run again, also by several at once", async () => {
    await fence(a, 6n);
    const codes = await Promise.all(Array.from({ length: 4 }, () => install("app")));
    expect(codes.map(({ code }) => code)).toEqual([0, 0, 0, 0]);
    expect(await refusalOf(fence(b, 5n))).toMatch(/^LF001 /);
  });

  test("is made in a schema of its own by several at once, and each schema has its own fences", async () => {
    const done = await Promise.all(Array.from({ length: 4 }, () => install("billing")));
    expect(done.map(({ code }) => code)).toEqual([0, 0, 0, 0]);
    await fence(a, 6n);
    await a.query("select billing.holdfast_fence($1, 5)", [resource]);
  });

  test("prints a script that does the same", async () => {
    const { code, out } = await run("sql", "install", "--schema", "printed", "--print");
    expect(code).toBe(0);
    await a.query(out);
    await a.query(out);
    await a.query("select printed.holdfast_fence('x', 1)");
    await expect(a.query("show search_path")).resolves.toMatchObject({ rows: [{ search_path: '"$user", public' }] });
  });

  test("refuses to go back behind what a newer holdfast has installed, and changes nothing", async () => {
    await install("newer");
    await a.query("create or replace function newer.holdfast_sql_version() returns integer language sql as 'select 2'");
    const { code, error } = await install("newer");
    expect(code).toBe(1);
    expect(error).toBe(
      "holdfast: nothing was installed: version 2 is installed here, and this holdfast has version 1: use a newer holdfast\n",
    );
  });

  test.each([
    [["sql"], /say what to do: "holdfast sql install"/],
    [["sql", "remove"], /say what to do/],
    [["sql", "install", "--print"], /--schema is needed/],
    [["sql", "install", "--schema", "app"], /either --database-url or --print is needed, and not both/],
    [["sql", "install", "--schema", "App", "--print"], /--schema must be the name of a schema: at most 63 of a-z/],
    [["sql", "install", "--schema", "pg_own", "--print"], /not beginning with pg_/],
    [["sql", "install", "--schema", "a; drop", "--print"], /--schema must be the name of a schema/],
    [["sql", "install", "--schema", "app", "--database-url", "mysql://x"], /--database-url must be postgres:\/\//],
    [["sql", "install", "more", "--schema", "app", "--print"], /does not take "more"/],
    [["sql", "install", "--schemas", "app", "--print"], /unknown flag "--schemas".*did you mean --schema\?/],
  ])("says what is wrong with %j", async (args, message) => {
    const { code, out, error } = await run(...args);
    expect([code, out]).toEqual([2, ""]);
    expect(error).toMatch(message);
  });

  test("says that a database cannot be reached, without its password", async () => {
    const url = "postgres://me:secret@127.0.0.1:1/x";
    const { code, error } = await run("sql", "install", "--schema", "app", "--database-url", url);
    expect(code).toBe(3);
    expect(error).toMatch(/cannot reach the database postgres:\/\/me:\*\*\*@127\.0\.0\.1:1\/x/);
    expect(error).not.toContain("secret");
  });
});

describe("rights", () => {
  const role = `holdfast_caller_${randomUUID().slice(0, 8)}`;

  test("what is documented lets a role call the fence, and neither read nor lower it", async () => {
    await a.query(`create role ${role} login password 'of-a-test'`);
    try {
      await withClient({ url: withUser(database.url, role, "of-a-test") }, async (caller) => {
        await expectRefused(caller, [`select app.holdfast_fence('${resource}', 6)`]);
        await a.query(documented("### Rights").replaceAll("application_role", role));
        await caller.query("select app.holdfast_fence($1, 6)", [resource]);
        expect(await refusalOf(caller.query("select app.holdfast_fence($1, 5)", [resource]))).toMatch(/^LF001 /);
        await expectRefused(caller, [
          "select * from app.holdfast_fences",
          "update app.holdfast_fences set fence = 1",
          "delete from app.holdfast_fences",
          "drop function app.holdfast_fence",
          "create table app.mine (a int)",
        ]);
      });
    } finally {
      await a.query(`drop owned by ${role}; drop role ${role}`);
    }
  });

  test("what the caller puts into its search path is not what the function runs", async () => {
    await fence(a, 6n);
    await a.query("begin");
    await a.query("create temp table holdfast_fences (resource text primary key, fence bigint)");
    expect(await refusalOf(fence(a, 5n))).toMatch(/^LF001 /);
    await a.query("rollback");
  });

  test("what is documented uninstalls it, and nothing is left", async () => {
    await install("app");
    await a.query("begin");
    await a.query(documented("### Uninstall"));
    const left =
      "select from pg_class c where c.relnamespace = 'app'::regnamespace union all select from pg_proc p where p.pronamespace = 'app'::regnamespace";
    expect((await a.query(left)).rowCount).toBe(0);
    await a.query("rollback");
  });
});
