import { readdirSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { systemClock } from "../../../src/clock.ts";
import { openSession, type Session } from "../../../src/store/postgres/connection.ts";
import { loadStatement } from "../../../src/tenants/postgres/statement.ts";
import { createTestDatabase, type TestDatabase } from "../../support/database.ts";
import { type Plan, scansOf } from "../store/plans.ts";

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

const names = readdirSync(new URL("../../../src/tenants/postgres/", import.meta.url))
  .filter((file) => file.endsWith(".sql"))
  .map((file) => file.slice(0, -".sql".length));

const parametersOf = (lines: readonly string[]) => [...new Set(lines.join("\n").match(/\$\d+/g))].sort();
const isComment = (line: string) => line.startsWith("--");
const run = <Row>(text: string) => session.query<Row>({ name: "", text }, []);

/** The plan for arguments that are not known, which a prepared statement soon gets. */
async function genericPlan(name: string): Promise<Plan> {
  const { text } = loadStatement(name);
  await run(`prepare explained as ${text}`);
  const nulls = parametersOf([text]).map(() => "null");
  const explain = `explain (format json) execute explained (${nulls.join(", ")})`;
  const [row] = await run<{ readonly "QUERY PLAN": readonly [{ readonly Plan: Plan }] }>(explain);
  await run("deallocate explained");
  if (row === undefined) throw new Error("no plan");
  return row["QUERY PLAN"][0].Plan;
}

describe.each(names)("%s", (name) => {
  test("prepares, and its header names every parameter", async () => {
    const { text } = loadStatement(name);
    await run(`prepare checked as ${text}`);
    await run("deallocate checked");
    const lines = text.split("\n");
    const [header, body] = [lines.filter(isComment), lines.filter((line) => !isComment(line))];
    expect(parametersOf(header)).toEqual(parametersOf(body));
  });

  test("probes indexes", async () => {
    const plan = await genericPlan(name);
    for (const table of ["tenant", "tenant_host", "tenant_issuer", "audit"]) {
      for (const scan of scansOf(plan, table)) {
        expect(scan["Node Type"], table).toMatch(/^Index (Only )?Scan$/);
        expect(scan["Index Cond"], `no index of ${table} is read from end to end`).toBeDefined();
      }
    }
  });
});
