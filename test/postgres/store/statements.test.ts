import { readdirSync, readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { runPeeks } from "../../../src/store/postgres/peek.ts";
import { decodeRecord } from "../../../src/store/postgres/record-row.ts";
import { loadStatement } from "../../../src/store/postgres/statement.ts";
import { listLoops, type Plan, scansOf } from "./plans.ts";
import { createScene, openSessions, type Sessions } from "./sessions.ts";

let sessions: Sessions;
beforeAll(async () => {
  sessions = await openSessions("owner");
  await run("set plan_cache_mode = force_generic_plan");
});
afterAll(() => sessions.close());

const names = readdirSync(new URL("../../../src/store/postgres/", import.meta.url))
  .filter((file) => file.endsWith(".sql"))
  .map((file) => file.slice(0, -".sql".length));

const fileOf = (name: string) =>
  readFileSync(new URL(`../../../src/store/postgres/${name}.sql`, import.meta.url), "utf8");

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
    await run(`prepare checked as ${loadStatement(name).text}`);
    await run("deallocate checked");
    const lines = fileOf(name).split("\n");
    const [header, body] = [lines.filter(isComment), lines.filter((line) => !isComment(line))];
    expect(parametersOf(header)).toEqual(parametersOf(body));
  });

  test("has no string that spans lines, so that it is the same without its comments and indentation", () => {
    for (const line of fileOf(name)
      .split("\n")
      .filter((line) => !isComment(line.trim())))
      expect(line.split("'").length % 2, line).toBe(1);
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

test("a record that comes packed is what its columns say", async () => {
  const { a, row, sql, time } = createScene(sessions);
  await a.acquire();
  const unpacked = async () => (await runPeeks(sessions.a, [{ key: a.key }], time))[0]?.stored;
  const byName = async () => decodeRecord((await row()) ?? fail());
  expect(await unpacked()).toEqual(await byName());
  await sql(`update holdfast.record set
    state = 4, due = '2255-01-01T00:00:00.123456Z', forget_at = '2030-01-01', sweep_at = '2030-01-01', has_waiters = true,
    attempt = 2147483647, fence = 9223372036854775807, suspect_token = lease_token, suspect_fence = 9007199254740993,
    fingerprint_algorithm = 'ä', hold = true, max_attempts = 7, max_execution_ms = 604800000,
    end_time = '1999-12-31T23:59:59.999999Z', reason = 2, end_digest = '', outcome = '\\x00ff', checkpoint = 'c',
    checkpoint_sequence = 9223372036854775807, checkpoint_time = '1970-01-01', evidence = '', external_ref = 'ref \u{1f511}',
    progress = 'p' where $record`);
  const full = await unpacked();
  expect(full).toEqual(await byName());
  expect(
    Object.entries(full ?? {}).filter(([, value]) => value === null),
    "nothing is left out",
  ).toEqual([]);
});

const fail = (): never => {
  throw new Error("no row");
};

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
