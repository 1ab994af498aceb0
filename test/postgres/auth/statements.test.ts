import { readdirSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { loadStatement } from "../../../src/auth/postgres/statement.ts";
import { systemClock } from "../../../src/clock.ts";
import { openSession, type Session } from "../../../src/store/postgres/connection.ts";
import { createTestDatabase, type TestDatabase } from "../../support/database.ts";
import { type Plan, scansOf } from "../store/plans.ts";

let database: TestDatabase;
let session: Session;

beforeAll(async () => {
  database = await createTestDatabase();
  session = await openSession({ url: database.ownerUrl, clock: systemClock });
  await run(FILL);
  await run("analyze holdfast.api_key");
});

afterAll(async () => {
  await session?.close();
  await database?.drop();
});

const run = <Row>(text: string) => session.query<Row>({ name: "", text }, []);
const isComment = (line: string) => line.startsWith("--");
const parametersOf = (lines: readonly string[]) => [...new Set(lines.join("\n").match(/\$\d+/g))].sort();

const names = readdirSync(new URL("../../../src/auth/postgres/", import.meta.url))
  .filter((file) => file.endsWith(".sql"))
  .map((file) => file.slice(0, -".sql".length));

describe.each(names)("%s", (name) => {
  test("names every parameter in its header, prepares, and probes indexes", async () => {
    const { text } = loadStatement(name);
    const lines = text.split("\n");
    const parameters = parametersOf(lines.filter((line) => !isComment(line)));
    expect(parametersOf(lines.filter(isComment))).toEqual(parameters);
    await run(`prepare explained as ${text}`);
    const nulls = parameters.length === 0 ? "" : `(${parameters.map(() => "null").join(", ")})`;
    const [row] = await run<{ readonly "QUERY PLAN": readonly [{ readonly Plan: Plan }] }>(
      `explain (format json) execute explained ${nulls}`,
    );
    await run("deallocate explained");
    const plan = row?.["QUERY PLAN"][0].Plan;
    if (plan === undefined) throw new Error("no plan");
    for (const scan of scansOf(plan, "api_key")) {
      expect(scan["Node Type"]).toMatch(/^Index/);
      expect(scan["Index Cond"], "no index is read from end to end").toBeDefined();
    }
  });
});

const FILL = `
  insert into holdfast.api_key (id, tenant, roles, salt, hash)
  select
    'AAAAAAAA' || lpad(i::text, 8, '0'), case when i % 10 > 0 then 'default' end, '{claim}',
    decode(repeat('00', 32), 'hex'), decode(repeat('00', 32), 'hex')
  from generate_series(1, 20000) as i`;
