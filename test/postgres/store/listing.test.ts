import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { systemClock } from "../../../src/clock.ts";
import type { ListPosition, RecordPage, RecordQuery } from "../../../src/store/operator-store.ts";
import { listRecords } from "../../../src/store/postgres/list.ts";
import { createServerTime } from "../../../src/store/postgres/server-time.ts";
import { loadStatement } from "../../../src/store/postgres/statement.ts";
import { QUERY } from "../../support/operating.ts";
import { type Plan, scansOf } from "./plans.ts";
import { openSessions, type Sessions } from "./sessions.ts";

let sessions: Sessions;
beforeAll(async () => {
  sessions = await openSessions("owner");
  const { a } = sessions;
  await a.query({ name: "", text: "set statement_timeout = 0" }, []);
  await a.query({ name: "", text: FILL }, [], 120_000);
  await a.query({ name: "", text: "analyze holdfast.record" }, [], 60_000);
}, 180_000);
afterAll(() => sessions.close());

const RECORDS = 100_000;
/** Looked at for a page of up to 500. */
const WINDOW = 1_000;

/** A quarter of the first tenant's open, of which one in a thousand is stuck, the last by their first claims; and others. */
const FILL = `
  insert into holdfast.record (
    tenant, scope, key, state, due, attempt, fence, lease_token, claim_id, fingerprint, fingerprint_algorithm, hold,
    max_attempts, result_retention_ms, tombstone_retention_ms, create_time, attempt_start_time, evidence, end_time,
    forget_at, sweep_at, outcome
  )
  select
    case when i % 2 = 0 then 'many' else 'others' end, 'orders', 'order-' || lpad(i::text, 6, '0'),
    case when i % 8 = 0 then 1 else 3 end,
    case when i % 8 = 0 and i > ${RECORDS} - 200 then now() - interval '1 hour' else now() + interval '1 hour' end,
    1, i, decode(md5(i::text), 'hex'), 'claim-' || i, '', '', false, 0, 60000, 60000,
    now() - interval '1 day' + i * interval '1 ms', now(), '',
    case when i % 8 > 0 then now() end,
    case when i % 8 > 0 then now() + interval '1 day' else 'infinity' end,
    case when i % 8 > 0 then now() + interval '1 hour' else 'infinity' end,
    case when i % 8 > 0 then 'r'::bytea end
  from generate_series(1, ${RECORDS}) as i`;

const time = createServerTime({ clock: systemClock, asOf: () => null });
const list = (query: Partial<RecordQuery>) => listRecords(sessions.a, { ...QUERY, tenant: "many", ...query }, time);

async function pagesOf(query: Partial<RecordQuery>): Promise<readonly RecordPage[]> {
  const pages: RecordPage[] = [];
  let after: ListPosition | null = null;
  do {
    const page: RecordPage = await list({ ...query, after });
    pages.push(page);
    after = page.next;
  } while (after !== null);
  return pages;
}

describe("a list over 100 000 records", () => {
  test("finds the few stuck ones, and looks at a bounded number for each page", async () => {
    const pages = await pagesOf({ stuckOnly: true });
    expect(pages.flatMap(({ records }) => records)).toHaveLength(25);
    expect(pages).toHaveLength(Math.ceil(RECORDS / 8 / WINDOW));
  });

  test("looks for a large page at twice as many as it may hold", async () => {
    const pages = await pagesOf({ stuckOnly: true, limit: 1000 });
    expect(pages.flatMap(({ records }) => records)).toHaveLength(25);
    expect(pages).toHaveLength(Math.ceil(RECORDS / 8 / (2 * 1000)));
  });

  test("of a state that hardly any has is many short pages, and still all of them", async () => {
    const pages = await pagesOf({ states: ["failed"] });
    expect(pages.flatMap(({ records }) => records)).toEqual([]);
    expect(pages.length).toBeGreaterThan(5);
  });

  test("of a few keys looks at those only", async () => {
    const query = { scope: "orders", keyPrefix: "order-05000", states: ["completed"] } as const;
    const ended = { part: "ended", createTime: Number.NEGATIVE_INFINITY, scope: "", key: "" } as const;
    const page = await list({ ...query, after: ended });
    expect(page).toMatchObject({ next: null });
    expect(page.records.map(({ record }) => record.key.key)).toEqual(["order-050002", "order-050004", "order-050006"]);
  });

  test("goes through the indexes in their order, from where it stood, also for the window itself", async () => {
    for (const [name, index, from, isSorted] of [
      ["list-open", "record_open", "(create_time >= $3)", true],
      ["list-ended", "record_pkey", "ROW(scope, key) >= ROW($2, $3)", false],
    ] as const) {
      const nodes = nodesOf(await genericPlan(name));
      const windows = nodes.filter((node) => node["Index Name"] === index && node["Index Cond"]?.includes(from));
      expect(windows, name).toHaveLength(1);
      expect(
        nodes.some((node) => node["Node Type"] === "Incremental Sort"),
        name,
      ).toBe(isSorted);
    }
  });

  test("a purge of a page goes through the primary key from where it stood", async () => {
    const scans = scansOf(await genericPlan("purge"), "record") as readonly IndexPlan[];
    expect(scans.filter((scan) => /ROW\(/.test(scan["Index Cond"] ?? ""))).toMatchObject([
      { "Index Name": "record_pkey" },
    ]);
  });

  test("a page without outcomes reads none of them from where large values lie", async () => {
    const outcome = "decode(repeat(md5(random()::text), 2000), 'hex')";
    const { a } = sessions;
    await a.query({ name: "", text: "alter table holdfast.record alter column outcome set storage external" }, []);
    await a.query(
      {
        name: "",
        text: `update holdfast.record set outcome = ${outcome} where tenant = 'many' and key < 'order-000200'`,
      },
      [],
    );
    const toastReads = async () => {
      await a.query({ name: "", text: "select pg_stat_force_next_flush()" }, []);
      const text = `select heap_blks_hit + coalesce(toast_blks_hit, 0) as all, coalesce(toast_blks_hit, 0) as toast
        from pg_statio_user_tables where relname = 'record'`;
      const [row] = await a.query<{ toast: bigint }>({ name: "", text }, []);
      return row?.toast ?? 0n;
    };
    const ended = { part: "ended", createTime: Number.NEGATIVE_INFINITY, scope: "", key: "" } as const;
    const before = await toastReads();
    expect((await list({ after: ended, limit: 50 })).records).toHaveLength(50);
    const without = await toastReads();
    await list({ after: ended, limit: 50, withOutcomes: true });
    expect([without - before, (await toastReads()) > without]).toEqual([0n, true]);
  });
});

type IndexPlan = Plan & { readonly "Index Name"?: string };

function nodesOf(plan: Plan): readonly IndexPlan[] {
  return [plan, ...(plan.Plans ?? []).flatMap(nodesOf)];
}

async function genericPlan(name: string): Promise<Plan> {
  const { text } = loadStatement(name);
  const run = <Row>(sql: string) => sessions.a.query<Row>({ name: "", text: sql }, []);
  await run(`prepare explained as ${text}`);
  const nulls = new Set(text.match(/\$\d+/g)?.map(() => "null"));
  const count = new Set(text.match(/\$\d+/g)).size;
  type Row = { readonly "QUERY PLAN": readonly [{ readonly Plan: Plan }] };
  const [row] = await run<Row>(
    `explain (format json) execute explained (${Array(count)
      .fill([...nulls][0])
      .join(", ")})`,
  );
  await run("deallocate explained");
  if (row === undefined) throw new Error("no plan");
  return row["QUERY PLAN"][0].Plan;
}
