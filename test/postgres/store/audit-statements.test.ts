import { readdirSync, readFileSync } from "node:fs";
import { afterAll, beforeAll, expect, test } from "vitest";
import { systemClock } from "../../../src/clock.ts";
import { openSession, type Session } from "../../../src/store/postgres/connection.ts";
import { loadStatement } from "../../../src/store/postgres/statement.ts";
import { createTestDatabase, type TestDatabase } from "../../support/database.ts";
import { type Plan, scansOf } from "./plans.ts";

let database: TestDatabase;
let session: Session;
beforeAll(async () => {
  database = await createTestDatabase();
  session = await openSession({ url: database.url, clock: systemClock });
});
afterAll(async () => {
  await session?.close();
  await database?.drop();
});

const namesIn = (folder: string) =>
  readdirSync(new URL(`../../../src/store/postgres/${folder}/`, import.meta.url))
    .filter((file) => file.endsWith(".sql"))
    .map((file) => `${folder}/${file.slice(0, -".sql".length)}`);

const fileOf = (name: string) =>
  readFileSync(new URL(`../../../src/store/postgres/${name}.sql`, import.meta.url), "utf8");

const parametersOf = (lines: readonly string[]) => [...new Set(lines.join("\n").match(/\$\d+/g))].sort();
const isComment = (line: string) => line.startsWith("--");
const run = <Row>(text: string) => session.query<Row>({ name: "", text }, []);

test.each([...namesIn("audit"), ...namesIn("doctor")])(
  "%s prepares, and its header names every parameter",
  async (name) => {
    await run(`prepare checked as ${loadStatement(name).text}`);
    await run("deallocate checked");
    const lines = fileOf(name).split("\n");
    const [header, body] = [lines.filter(isComment), lines.filter((line) => !isComment(line))];
    expect(parametersOf(header)).toEqual(parametersOf(body));
  },
);

/** Statistics as they are of a long log that was never analyzed, which is when a planner likes to sort. */
test.each(["audit/read-lines", "audit/list-lines", "audit/list-tenant-lines"])(
  "%s reads no more than its page",
  async (name) => {
    const { text } = loadStatement(name);
    await run(`prepare explained as ${text}`);
    const nulls = parametersOf([text]).map(() => "null");
    const [row] = await run<{ readonly "QUERY PLAN": readonly [{ readonly Plan: Plan }] }>(
      `explain (format json) execute explained (${nulls.join(", ")})`,
    );
    await run("deallocate explained");
    const plan = row?.["QUERY PLAN"][0].Plan;
    if (plan === undefined) throw new Error("no plan");
    expect(plan["Node Type"]).toBe("Limit");
    expect(plan.Plans?.map((child) => child["Node Type"])).toEqual(["Index Scan"]);
    for (const scan of scansOf(plan, "audit")) expect(scan["Index Cond"]).toBeDefined();
  },
);
