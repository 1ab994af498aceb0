import { readdirSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { decodeRecord } from "../../../src/store/postgres/record-row.ts";
import { loadStatement } from "../../../src/store/postgres/statement.ts";
import { listLoops, type Plan, scansOf } from "./plans.ts";
import { createScene, openSessions, type Sessions } from "./sessions.ts";

let sessions: Sessions;
beforeAll(async () => {
  sessions = await openSessions();
  await run("set plan_cache_mode = force_generic_plan");
});
afterAll(() => sessions.close());

const names = readdirSync(new URL("../../../src/store/postgres/", import.meta.url))
  .filter((file) => file.endsWith(".sql"))
  .map((file) => file.slice(0, -".sql".length));

const parametersOf = (lines: readonly string[]) => [...new Set(lines.join("\n").match(/\$\d+/g))].sort();

const run = <Row>(text: string) => sessions.a.query<Row>({ name: "", text }, []);

/** The plan for arguments that are not known, which a prepared statement soon gets. */
async function genericPlan(name: string): Promise<Plan> {
  const { text } = loadStatement(name);
  await run(`prepare explained as ${text}`);
  const nulls = parametersOf([text]).map(() => "null");
  const given = nulls.length === 0 ? "" : `(${nulls.join(", ")})`;
  const explain = `explain (format json) execute explained ${given}`;
  const [row] = await run<{ readonly "QUERY PLAN": readonly [{ readonly Plan: Plan }] }>(explain);
  await run("deallocate explained");
  if (row === undefined) throw new Error("no plan");
  return row["QUERY PLAN"][0].Plan;
}

async function expectProbesOnly(name: string): Promise<void> {
  const plan = await genericPlan(name);
  for (const scan of [...scansOf(plan, "record"), ...scansOf(plan, "record_event")]) {
    expect(scan["Node Type"]).toBe("Index Scan");
    expect(scan["Index Cond"], "no index is read from end to end").toBeDefined();
  }
  expect(listLoops(plan), "no two lists are joined row by row").toEqual([]);
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

  test("probes indexes on an empty table", () => expectProbesOnly(name));
});

describe("on a table of 50 000 records, with statistics", () => {
  beforeAll(async () => {
    await run("set statement_timeout = 0");
    await sessions.a.query({ name: "", text: FILL }, [], 60_000);
    await sessions.a.query({ name: "", text: "analyze holdfast.record" }, [], 60_000);
  });

  test.each(names)("%s probes indexes", (name) => expectProbesOnly(name));
});

test("the decoder reads every column of a record but the sweeper's own and those of its history", async () => {
  const { a, row } = createScene(sessions);
  await a.acquire();
  const stored = await row();
  if (stored === null) throw new Error("no row");
  const read = new Set<string | symbol>();
  const watched = new Proxy(stored, {
    get(target, column) {
      read.add(column);
      return Reflect.get(target, column);
    },
  });
  decodeRecord(watched);
  expect(Object.keys(stored).filter((column) => !read.has(column))).toEqual([
    "sweep_at",
    "has_history",
    "fail_time",
    "reconciler",
    "audit_sequence",
  ]);
});

const isComment = (line: string) => line.startsWith("--");

/** A fifth of them open, the others ended, of 20 tenants. */
const FILL = `
  insert into holdfast.record (
    tenant, scope, key, state, due, attempt, fence, lease_token, claim_id, fingerprint, fingerprint_algorithm, hold,
    max_attempts, result_retention_ms, tombstone_retention_ms, create_time, attempt_start_time, evidence, end_time,
    forget_at, sweep_at
  )
  select
    'tenant-' || i % 20, 'orders', 'order-' || i, case when i % 5 = 0 then 1 else 3 end, now() + interval '1 hour', 1, i,
    decode(md5(i::text), 'hex'), 'claim-' || i, '', '', false, 0, 60000, 60000, now() - i * interval '1 second', now(), '',
    case when i % 5 > 0 then now() end,
    case when i % 5 > 0 then now() + i * interval '1 second' else 'infinity' end,
    case when i % 5 > 0 then now() + i * interval '1 second' else 'infinity' end
  from generate_series(1, 50000) as i`;
