import { systemClock as clock } from "../../src/clock.ts";
import { withClient } from "../../src/store/postgres/connection.ts";
import type { BenchContext } from "../context.ts";
import type { BenchPostgres } from "../database.ts";
import { figure, linesOver, pick } from "../figures.ts";
import { type GoalId, goal } from "../goals.ts";
import { createReadCost } from "../growth/cost.ts";
import { startSteadyLoad } from "../growth/load.ts";
import { riseOf } from "../growth/trend.ts";
import { memoryOf } from "../load/child.ts";
import { quantiles } from "../measure.ts";
import type { Section } from "../report.ts";
import { serve } from "../serve.ts";

/** Without and with `--full`. Memory needs the longer one to settle: only that is held to be flat. */
const MINUTES = 5;
const MINUTES_FULL = 30;
const PER_SECOND = 150;
/** Until a record's result is erased, and then until it is deleted: the table is turned over five times, or fifteen. */
const RETENTION_MS = 30_000;
const RETENTION_MS_FULL = 60_000;
/** Autovacuum looks every minute as a rule. Of records that are kept for a minute there would be more dead than alive. */
const NAP = "5s";
const SAMPLES = 60;

const HOW = (minutes: number, retentionMs: number) => `
One \`holdfast serve\` for ${minutes} minutes: ${PER_SECOND} executions a second in an open loop, each a claim, a heartbeat, a
completion and a replay, with fresh keys. Results are kept for ${retentionMs / 1000} s and tombstones for as long again, so that
soon the sweeper erases and deletes as much as arrives; autovacuum looks every ${NAP}, where it
looks once a minute as a rule. ${SAMPLES} samples. *Rise* is by how much of its
mean the straight line that fits the later half of them rises over that half. Linux only.`;

interface Sample {
  readonly minute: number;
  readonly rssMiB: number;
  readonly p99Ms: number;
  readonly tableMiB: number;
  readonly indexMiB: number;
  readonly records: number;
  readonly deadRows: number;
}

/** Whether anything grows that should not: the server's memory, the table, its indexes. */
export async function benchSteady(
  { postgres, full, say }: BenchContext,
  given?: { readonly minutes: number },
): Promise<Section> {
  const minutes = given?.minutes ?? (full ? MINUTES_FULL : MINUTES);
  const retentionMs = full ? RETENTION_MS_FULL : RETENTION_MS;
  const url = await postgres.database("steady");
  await using _ = await withNap(postgres, url);
  await postgres.run(
    url,
    `update holdfast.tenant set result_retention_ms = ${retentionMs}, tombstone_retention_ms = ${retentionMs}`,
  );
  await using server = await serve(["--database-url", url, "--sweep-interval", "2s"]);
  const readCost = await createReadCost(url);
  const load = await startSteadyLoad(server.grpc, PER_SECOND);
  const costBefore = await readCost();
  const samples: Sample[] = [];
  const fromMs = performance.now();
  for (let taken = 1; taken <= SAMPLES; taken++) {
    await clock.sleep(Math.max(0, fromMs + (taken * minutes * 60_000) / SAMPLES - performance.now()));
    samples.push({
      minute: (taken * minutes) / SAMPLES,
      rssMiB: (await memoryOf(server.pid)).rssMiB,
      p99Ms: quantiles(load.takeClaimsMs()).p99,
      ...(await readTable(url)),
    });
    if (taken % 10 === 0) say(`${Math.round((taken * minutes) / SAMPLES)} of ${minutes} minutes`);
  }
  const costAfter = await readCost();
  const done = load.done();
  await load.stop();
  const of = (part: keyof Sample) => pick(samples, (sample) => sample[part]);
  const later = (part: keyof Sample) => of(part).slice(SAMPLES / 2);
  const rise = (part: keyof Sample) => [riseOf(samples.map((sample) => ({ x: sample.minute, y: sample[part] })))];
  const perRecord = (part: "tableMiB" | "indexMiB") =>
    samples.slice(SAMPLES / 2).map((sample) => (sample[part] * 2 ** 20) / sample.records);
  const { heapOnly, updates } = await readUpdates(url);
  const flat = (id: GoalId) => (minutes >= MINUTES_FULL ? goal(id) : undefined);
  return {
    id: "steady",
    title: "A steady load",
    how: HOW(minutes, retentionMs).trim(),
    figures: [
      figure("rate", "executions", "per second", [(done * 1000) / (performance.now() - fromMs)]),
      figure("p99", "claims: p99 of each sample, later half", "ms", later("p99Ms")),
      figure("rss", "memory of the server, later half", "MiB", later("rssMiB")),
      figure("rss-rise", "memory of the server: rise", "of its mean", rise("rssMiB"), flat("steady/rss-rise")),
      figure("table", "table, for each record in it", "bytes", perRecord("tableMiB")),
      figure("table-rise", "table: rise", "of its mean", rise("tableMiB"), flat("steady/table-rise")),
      figure("indexes", "indexes, for each record", "bytes", perRecord("indexMiB")),
      figure("indexes-rise", "indexes: rise", "of their mean", rise("indexMiB"), flat("steady/indexes-rise")),
      figure("dead", "dead rows that wait for a vacuum, later half", "rows", later("deadRows")),
      figure("heap-only", "updates that touched no index; a third are heartbeats", "%", [(100 * heapOnly) / updates]),
      figure("cpu", "processor time of Postgres, an execution with its sweeping and vacuum", "µs", [
        (costAfter.cpuMicros - costBefore.cpuMicros) / done,
      ]),
      figure("wal", "write-ahead log, an execution with its sweeping and vacuum", "bytes", [
        (costAfter.walBytes - costBefore.walBytes) / done,
      ]),
    ],
    charts: [
      linesOver({ id: "steady", title: "A steady load: memory and disk", unit: "MiB" }, "minutes", of("minute"), {
        "memory of the server": of("rssMiB"),
        table: of("tableMiB"),
        indexes: of("indexMiB"),
      }),
    ],
  };
}

/** For as long as this lasts. */
async function withNap({ run }: BenchPostgres, url: string): Promise<AsyncDisposable> {
  const set = async (sql: string) => {
    await run(url, sql);
    await run(url, "select pg_reload_conf()");
  };
  await set(`alter system set autovacuum_naptime = '${NAP}'`);
  return { [Symbol.asyncDispose]: () => set("alter system reset autovacuum_naptime") };
}

async function readTable(url: string): Promise<Pick<Sample, "tableMiB" | "indexMiB" | "records" | "deadRows">> {
  return withClient({ url }, async (client) => {
    const { rows } = await client.query<Record<"table" | "indexes" | "records" | "dead", string>>(
      `select
         pg_table_size('holdfast.record') as table,
         pg_indexes_size('holdfast.record') as indexes,
         pg_stat_get_live_tuples('holdfast.record'::regclass) as records,
         pg_stat_get_dead_tuples('holdfast.record'::regclass) as dead`,
    );
    const of = (name: "table" | "indexes" | "records" | "dead") => Number(rows[0]?.[name]);
    return {
      tableMiB: of("table") / 2 ** 20,
      indexMiB: of("indexes") / 2 ** 20,
      records: of("records"),
      deadRows: of("dead"),
    };
  });
}

async function readUpdates(url: string): Promise<{ readonly heapOnly: number; readonly updates: number }> {
  return withClient({ url }, async (client) => {
    const { rows } = await client.query<Record<"heap_only" | "updates", string>>(
      `select
         pg_stat_get_tuples_hot_updated('holdfast.record'::regclass) as heap_only,
         pg_stat_get_tuples_updated('holdfast.record'::regclass) as updates`,
    );
    return { heapOnly: Number(rows[0]?.heap_only), updates: Number(rows[0]?.updates) };
  });
}
