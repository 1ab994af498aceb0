import { readFile } from "node:fs/promises";
import pg from "pg";
import { afterEach, describe, expect, test } from "vitest";
import { systemClock } from "../../src/clock.ts";
import { openSession } from "../../src/store/postgres/connection.ts";
import { acquaint, readIdentity } from "../../src/store/postgres/identity.ts";
import { createTestDatabase, type TestDatabase } from "../support/database.ts";
import { startTcpProxy, targetOf } from "../support/tcp-proxy.ts";
import { hold, newKey, openStand, type PlacementStand, troublesOf, until, untilUp } from "./placement-stand.ts";

const UNAVAILABLE = { code: "STORE_UNAVAILABLE" };
const OTHER_DATABASE = "main knows another database as the placement eu";
const KNOWN_AS = (name: string) => `main knows this database, or one that it is a copy of, as the placement ${name}`;

const PID = { name: "", text: "select pg_backend_pid() as pid" };

const afterwards: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const undo of afterwards.splice(0).reverse()) await undo();
});

const databases: TestDatabase[] = [];

async function owned(): Promise<string> {
  const database: TestDatabase = await createTestDatabase();
  databases.push(database);
  afterwards.push(() => database.drop());
  return database.url;
}

async function session(url: string) {
  const opened = await openSession({ url, clock: systemClock });
  afterwards.push(() => opened.close());
  return opened;
}

/** As the owner, for servers may not do what the page has operators do. */
async function run(url: string, text: string, values: readonly unknown[] = []): Promise<readonly pg.QueryResultRow[]> {
  const owner = databases.find((database) => database.url === url)?.ownerUrl;
  const client = new pg.Client({ connectionString: owner });
  await client.connect();
  try {
    return (await client.query(text, [...values])).rows;
  } finally {
    await client.end();
  }
}

async function identityOf(url: string): Promise<string> {
  const [row] = await run(url, "select id::text from holdfast.identity");
  return String(row?.["id"]);
}

/** What main has recorded, by name. */
async function recorded(main: string): Promise<Readonly<Record<string, string>>> {
  const rows = await run(main, "select name, identity::text from holdfast.placement order by name");
  return Object.fromEntries(rows.map(({ name, identity }) => [String(name), String(identity)]));
}

/** What the page runs with psql on the database of this variable, for what goes wrong with the placement eu. */
async function statementOfThePage(variable: "MAIN" | "COPY"): Promise<string> {
  const page = await readFile(new URL("../../docs/scaling.md", import.meta.url), "utf8");
  const section = page.slice(page.indexOf("\n## Replacing a cluster\n"));
  const found = [...section.matchAll(/^```sh\npsql "\$([A-Z]+)" -c "([^"]+)"\n```$/gm)].filter(
    ([, where]) => where === variable,
  );
  expect(found).toHaveLength(1);
  return found[0]?.[2] ?? "";
}

describe("a name that leads to another database than on the server that opened it first", () => {
  test("stays closed on the server that was told the wrong address, which says so once, and on no other", async () => {
    const [main, d1, d2] = [await owned(), await owned(), await owned()];
    await using right = await openStand({ main, others: { eu: d1 } });
    await untilUp(right, "eu");
    await using wrong = await openStand({ main, others: { eu: d2 } });
    await until(() => troublesOf(wrong, "eu").length > 0);

    const key = newKey();
    await hold(right.of("eu").store, key);
    await expect(hold(wrong.of("eu").store, key)).rejects.toMatchObject(UNAVAILABLE);
    await hold(wrong.placements.main.store, key);
    expect(wrong.readiness.report()).toMatchObject({ ready: false, placements: { main: "up", eu: "down" } });
    expect(right.readiness.report().placements).toEqual({ main: "up", eu: "up" });
    expect(wrong.of("eu").status()).toMatchObject({ reachable: false, connections: 0 }); // Nothing of it was opened.
    const [trouble = ""] = troublesOf(wrong, "eu");
    expect(trouble).toContain(OTHER_DATABASE);
    expect(trouble).toContain(await statementOfThePage("MAIN"));
    for (const url of [main, d1, d2]) expect(trouble).not.toContain(new URL(url).pathname.slice(1));
    expect(await run(d2, "select from holdfast.record")).toEqual([]);
    expect(await recorded(main)).toEqual({ main: await identityOf(main), eu: await identityOf(d1) });
    expect(troublesOf(wrong, "eu")).toHaveLength(1);
  });

  test("is open on one of two servers that open it at the same time", async () => {
    const [main, d1, d2] = [await owned(), await owned(), await owned()];
    const stands = await Promise.all([d1, d2].map((eu) => openStand({ main, others: { eu } })));
    for (const stand of stands) afterwards.push(async () => stand[Symbol.asyncDispose]());
    const isUp = (stand: PlacementStand) => stand.readiness.report().placements["eu"] === "up";
    await until(() => stands.some(isUp) && stands.some((stand) => troublesOf(stand, "eu").length > 0));
    expect(stands.map(isUp).sort()).toEqual([false, true]);
    const key = newKey();
    const answers = await Promise.allSettled(stands.map((stand) => hold(stand.of("eu").store, key)));
    expect(answers.map(({ status }) => status).sort()).toEqual(["fulfilled", "rejected"]);
  });

  test("belongs to the first insert: the second waits for its commit, and reads it", async () => {
    const main = await owned();
    const [first, second] = [await session(main), await session(main)];
    const [one, two] = [await identityOf(await owned()), await identityOf(await owned())];
    const [{ pid } = { pid: 0 }] = await second.query<{ readonly pid: number }>(PID, []);
    await first.query({ name: "", text: "begin" }, []);
    expect(await acquaint(first, "eu", one)).toEqual({ kind: "agreed" });
    const answer = acquaint(second, "eu", two);
    answer.catch(() => undefined);
    await until(async () => (await run(main, "select from pg_locks where not granted and pid = $1", [pid])).length > 0);
    await first.query({ name: "", text: "commit" }, []);
    expect(await answer).toEqual({ kind: "other-database" });
    expect(await acquaint(second, "us", one)).toEqual({ kind: "other-name", name: "eu" });
    expect(await recorded(main)).toEqual({ eu: one });
  });
});

test("the identity is kept: servers that start again with the same addresses open what they had", async () => {
  const [main, eu] = [await owned(), await owned()];
  const before = await identityOf(eu);
  for (let start = 0; start < 2; start++) {
    await using stand = await openStand({ main, others: { eu }, args: ["--migrate"] });
    await untilUp(stand, "eu");
    await hold(stand.of("eu").store, newKey());
    expect(troublesOf(stand, "eu")).toEqual([]);
  }
  expect(await recorded(main)).toEqual({ main: await identityOf(main), eu: before });
});

test("two databases that were made apart have two identities", async () => {
  const [one, other] = [await session(await owned()), await session(await owned())];
  expect(await readIdentity(one)).not.toBe(await readIdentity(other));
});

test("a cluster that was replaced is opened without a restart once main was told as the page says", async () => {
  const [main, old, replacement] = [await owned(), await owned(), await owned()];
  {
    await using before = await openStand({ main, others: { eu: old } });
    await untilUp(before, "eu");
  }
  await using stand = await openStand({ main, others: { eu: replacement } });
  await until(() => troublesOf(stand, "eu").length > 0);
  await run(main, await statementOfThePage("MAIN"));
  await untilUp(stand, "eu");
  await hold(stand.of("eu").store, newKey());
  expect(await recorded(main)).toMatchObject({ eu: await identityOf(replacement) });
});

describe("a copy of another placement's database", () => {
  test.each(["main", "eu"])("of %s is refused, and opened once it has an identity of its own", async (name) => {
    const [main, eu, copy] = [await owned(), await owned(), await owned()];
    const origin = name === "main" ? main : eu;
    await run(copy, "update holdfast.identity set id = $1", [await identityOf(origin)]);
    {
      await using before = await openStand({ main, others: { eu } });
      await untilUp(before, "eu"); // Known from then on, also to a server that has no such placement.
    }
    await using stand = await openStand({ main, others: { us: copy } });
    await until(() => troublesOf(stand, "us").length > 0);
    expect(troublesOf(stand, "us")).toEqual([expect.stringContaining(KNOWN_AS(name))]);
    await expect(hold(stand.of("us").store, newKey())).rejects.toMatchObject(UNAVAILABLE);
    await run(copy, await statementOfThePage("COPY"));
    await untilUp(stand, "us");
    expect(await identityOf(copy)).not.toBe(await identityOf(origin));
  });

  test("that two names lead to is opened by one of them", async () => {
    const [main, eu, us] = [await owned(), await owned(), await owned()];
    await run(us, "update holdfast.identity set id = $1", [await identityOf(eu)]);
    await using stand = await openStand({ main, others: { eu, us } });
    const states = () => {
      const { eu: one, us: other } = stand.readiness.report().placements;
      return [one, other].sort();
    };
    await until(() => troublesOf(stand, "eu").length + troublesOf(stand, "us").length > 0);
    await until(() => states().includes("up"));
    expect(states()).toEqual(["down", "up"]);
  });
});

test("a database that has lost its identity stays closed until it has one as the page says", async () => {
  const [main, eu] = [await owned(), await owned()];
  await run(eu, "delete from holdfast.identity");
  await using stand = await openStand({ main, others: { eu } });
  await until(() => troublesOf(stand, "eu").length > 0);
  expect(troublesOf(stand, "eu")).toEqual([expect.stringContaining("it has lost its identity")]);
  await run(eu, await statementOfThePage("COPY"));
  await untilUp(stand, "eu");
});

test("main that is given another identity keeps the server from starting until it may forget the old one", async () => {
  const main = await owned();
  {
    await using _ = await openStand({ main });
  }
  await run(main, await statementOfThePage("COPY"));
  await expect(openStand({ main })).rejects.toThrow("main knows another database as the placement main");
  await run(main, "delete from holdfast.placement where name = 'main'");
  await using again = await openStand({ main });
  await hold(again.placements.main.store, newKey());
});

test("without main's answer a placement stays closed, and it is opened when main answers again", async () => {
  const [main, eu] = [await owned(), await owned()];
  const [toMain, toEu] = [await startTcpProxy(targetOf(main)), await startTcpProxy(targetOf(eu))];
  await using _ = toMain;
  await using __ = toEu;
  await toEu.refuse();
  await using stand = await openStand({ main: toMain.url(main), others: { eu: toEu.url(eu) } });
  await toMain.refuse();
  toMain.cut();
  await until(() => stand.readiness.report().placements["main"] === "down");
  await toEu.accept();
  const said = () => troublesOf(stand, "eu").some((trouble) => trouble === "main cannot be asked which database is eu");
  await until(said);
  await expect(hold(stand.of("eu").store, newKey())).rejects.toMatchObject(UNAVAILABLE);
  await toMain.accept();
  await untilUp(stand, "eu");
});
