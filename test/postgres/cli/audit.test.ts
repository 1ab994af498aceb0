import pg from "pg";
import { expect, onTestFinished, test } from "vitest";
import { audit } from "../../../src/cli/audit.ts";
import { logLine, tamper } from "../../support/audit-log.ts";
import { createEmptyDatabase, createTestDatabase } from "../../support/database.ts";

const DEAD_URL = "postgresql://me:geheim@127.0.0.1:1/x";

async function database(create = createTestDatabase) {
  const { url, ownerUrl, drop } = await create();
  const client = new pg.Client({ connectionString: ownerUrl });
  await client.connect();
  onTestFinished(async () => {
    await client.end();
    await drop();
  });
  return { url, client };
}

async function run(
  url: string,
  args: readonly string[],
  more: { readonly placements?: string; readonly terminal?: boolean } = {},
) {
  const [outs, errors]: [string[], string[]] = [[], []];
  const io = {
    out: (text: string) => void outs.push(text),
    error: (text: string) => void errors.push(text),
    terminal: more.terminal ?? false,
    env: { HOLDFAST_DATABASE_URL: url, HOLDFAST_PLACEMENTS: more.placements },
  };
  const code = await audit(args, io);
  return { code, out: outs.join(""), error: errors.join("") };
}

const json = (out: string): readonly Record<string, unknown>[] =>
  out
    .trimEnd()
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line));

test("the log is printed newest first, with who did what to what and why", async () => {
  const { url, client } = await database();
  await logLine(client, { subject: "acme", reason: "new customer" });
  await logLine(client, { subject: "acme", scope: "orders", key: "o-1", reason: "worker is dead" });
  await logLine(client, { subject: "acme", scope: "orders" });
  const { code, out, error } = await run(url, []);
  expect({ code, error }).toEqual({ code: 0, error: "" });
  const [heads, ...lines] = out.trimEnd().split("\n");
  expect(heads).toMatch(/^NUMBER {2}TIME +WHO +DID +TO +OF TENANT {2}WHY$/);
  expect(lines.map((line) => line.replace(/\d{4}-\S+ \S+Z/, "TIME").split(/ {2,}/))).toEqual([
    ["4", "TIME", "api-key:me", "change", "records of orders", "acme", "-"],
    ["3", "TIME", "api-key:me", "change", "record orders o-1", "acme", "worker is dead"],
    ["2", "TIME", "api-key:me", "change", "tenant acme", "acme", "new customer"],
  ]);
});

test("an operator's change says what became of the record, and a purge how many it deleted", async () => {
  const { url, client } = await database();
  const purge = (detail: object, scope?: string) =>
    client.query(
      `with head as (update holdfast.audit_head set sequence = sequence + 1 returning sequence)
       insert into holdfast.audit (sequence, actor, action, subject_kind, subject, tenant, detail, record_scope)
       select head.sequence, 'api-key:me', 'purge', 'record', 'acme', 'acme', $1::jsonb, $2 from head`,
      [JSON.stringify(detail), scope ?? null],
    );
  await logLine(client, { action: "resolve", scope: "orders", key: "o-1", detail: '{"state": "available"}' });
  await purge({ target: "record", purged: 1, held: 0, redacted: 1 }, "orders");
  await purge({ target: "record", purged: 0, held: 0, redacted: 2 }, "orders");
  await purge({ target: "scope", purged: 1, held: 0, redacted: 0 }, "orders");
  await purge({ target: "scope", purged: 500, held: 0, redacted: 0 }, "orders");
  await purge({ target: "tenant", purged: 12, held: 3, redacted: 0 });
  const { out } = await run(url, []);
  const [, ...lines] = out.trimEnd().split("\n");
  expect(lines.map((line) => line.split(/ {2,}/).slice(3, 5))).toEqual([
    ["purge", "12 records"],
    ["purge", "500 records of orders"],
    ["purge", "1 record of orders"],
    ["purge", "0 records of orders"],
    ["purge", "one record of orders (key erased)"],
    ["resolve -> available", "record orders o-1"],
  ]);
  const ofKey = ["--tenant", "acme", "--scope", "orders", "--key", "o-1", "--output", "json"];
  const found = json((await run(url, ofKey)).out).map(({ sequence }) => sequence);
  expect(found, "without purges of one record, which may be another").toEqual(["7", "6", "5", "2"]);
});

test("JSON has one line for each, with all that is known", async () => {
  const { url, client } = await database();
  await logLine(client, { subject: "acme", detail: '{"eager": true}' });
  await logLine(client, { subject: "acme", scope: "orders", key: "o-1" });
  await client.query("update holdfast.audit set record_key = null, salt = null where record_key is not null");
  const { out } = await run(url, ["list", "--output", "json"]);
  const common = {
    placement: "main",
    time: expect.stringMatching(/^\d{4}-.*\.\d{6}Z$/),
    actor: "api-key:me",
    action: "change",
  };
  expect(json(out)).toEqual([
    {
      ...{ ...common, sequence: "3", subjectKind: "record", subject: "acme", tenant: "acme", reason: "", detail: {} },
      record: { scope: "orders", key: null, keyErased: true },
    },
    {
      ...common,
      sequence: "2",
      subjectKind: "tenant",
      subject: "acme",
      tenant: "acme",
      reason: "",
      detail: { eager: true },
    },
  ]);
});

test("what is asked for is all that is printed", async () => {
  const { url, client } = await database();
  await logLine(client, { tenant: "acme", scope: "orders", key: "o-1" });
  await logLine(client, { tenant: "acme", scope: "orders", key: "o-2" });
  await logLine(client, { tenant: "acme", scope: "refunds", key: "o-1" });
  await logLine(client, { tenant: "acme", scope: "orders" });
  await logLine(client, { tenant: "acme" });
  await logLine(client, { tenant: "beta" });
  const numbers = async (...args: readonly string[]) =>
    json((await run(url, [...args, "--output", "json"])).out).map(({ sequence }) => sequence);
  expect(await numbers("--tenant", "acme")).toEqual(["6", "5", "4", "3", "2"]);
  expect(await numbers("--tenant", "acme", "--scope", "orders")).toEqual(["5", "3", "2"]);
  expect(await numbers("--tenant", "acme", "--scope", "orders", "--key", "o-1")).toEqual(["5", "2"]);
  expect(await numbers("--limit", "2")).toEqual(["7", "6"]);
  expect(await numbers("--limit", "2", "--before", "6")).toEqual(["5", "4"]);
  expect(await numbers("--tenant", "nobody")).toEqual([]);
});

test("a page more than is read at once is printed whole, and a terminal is told how to go on", async () => {
  const { url, client } = await database();
  await client.query(
    `with head as (update holdfast.audit_head set sequence = sequence + 1001 returning sequence)
     insert into holdfast.audit (sequence, actor, action, subject_kind, subject)
     select head.sequence - 1001 + i, 'x', 'change', 'tenant', 'many' from head, generate_series(1, 1001) i`,
  );
  const all = await run(url, ["--limit", "5000", "--output", "json"]);
  expect(json(all.out).map(({ sequence }) => Number(sequence))).toEqual(
    Array.from({ length: 1001 }, (_, i) => 1002 - i),
  );
  const some = await run(url, ["--limit", "1000"], { terminal: true });
  expect(some.out.split("\n")).toHaveLength(1 + 1000 + 1);
  expect(some.error).toBe("There are older ones: --before 3\n");
});

test("what stands in the log moves no cursor", async () => {
  const { url, client } = await database();
  await logLine(client, { reason: "\u001b[2Jgone\u202e", scope: "s\u0007", key: "k\nnewline" });
  const { out } = await run(url, []);
  expect(out.replaceAll("\n", "")).not.toMatch(/\p{Cc}|\u202e/u);
  expect(out.split("\n")).toHaveLength(3);
});

test("each database has a log of its own, and each is verified", async () => {
  const [main, eu] = [await database(), await database()];
  await logLine(main.client);
  await logLine(eu.client, { scope: "orders", key: "o-1" });
  await logLine(eu.client);
  const placements = `eu=${eu.url}`;
  const list = await run(main.url, ["--output", "json"], { placements });
  expect(json(list.out).map(({ placement }) => placement)).toEqual(["main", "eu", "eu"]);
  const only = await run(main.url, ["--placement", "eu", "--output", "json"], { placements });
  expect(json(only.out)).toHaveLength(2);
  const whole = await run(main.url, ["verify", "--output", "json"], { placements });
  expect(whole.code).toBe(0);
  const head = expect.stringMatching(/^\d+:[0-9a-f]{64}$/);
  expect(json(whole.out)).toEqual([
    { placement: "main", whole: true, lines: 1, head },
    { placement: "eu", whole: true, lines: 2, head },
  ]);
  const heads = json(whole.out).flatMap(({ placement, head: one }) => ["--expect-head", `${placement}=${one}`]);
  expect(await run(main.url, ["verify", ...heads], { placements })).toMatchObject({ code: 0 });
});

test("a broken log is told with its line, and outweighs a database that cannot be reached", async () => {
  const { url, client } = await database();
  for (let line = 0; line < 3; line++) await logLine(client);
  await tamper(client, "delete from holdfast.audit where sequence = 3");
  const broken = await run(url, ["verify"], { placements: `eu=${DEAD_URL}` });
  expect(broken.code).toBe(1);
  expect(broken.out).toContain(
    "main: the audit log is broken: line 4 does not follow from line 2: it was changed, or lines between the two were removed. " +
      "1 line before that is good.\n",
  );
  expect(broken.error).toContain("holdfast: eu: cannot reach the database postgresql://me:***@127.0.0.1:1/x");
  const asJson = await run(url, ["verify", "--output", "json"]);
  expect(json(asJson.out)).toEqual([
    {
      ...{ placement: "main", whole: false, lines: 1, problem: "line", sequence: "4" },
      sentence: "line 4 does not follow from line 2: it was changed, or lines between the two were removed",
    },
  ]);
});

test("the end that was cut off is found by a head that was kept", async () => {
  const { url, client } = await database();
  await logLine(client);
  await logLine(client);
  const [, head = ""] = /Head: (\S+)/.exec((await run(url, ["verify"])).out) ?? [];
  await tamper(
    client,
    "delete from holdfast.audit where sequence = 3",
    "update holdfast.audit_head set line = 2, hash = (select hash from holdfast.audit where sequence = 2)",
  );
  expect(await run(url, ["verify"])).toMatchObject({ code: 0 });
  const { code, out } = await run(url, ["verify", "--expect-head", head]);
  expect(code).toBe(1);
  expect(out).toContain("there is no line 3 any more, which was expected");
});

test("without a database, or without its tables, it says so", async () => {
  expect(await run(DEAD_URL, [])).toMatchObject({ code: 3, out: "", error: expect.stringContaining("ECONNREFUSED") });
  const { url } = await database(createEmptyDatabase);
  expect(await run(url, [])).toMatchObject({
    code: 1,
    out: "",
    error: expect.stringContaining("Run: holdfast migrate"),
  });
});
