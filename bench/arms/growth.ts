import type { BenchContext } from "../context.ts";
import { figure, linesOver, median, pick } from "../figures.ts";
import { GOAL_IDS, goal } from "../goals.ts";
import { createReadCost } from "../growth/cost.ts";
import { type HeapOnly, type Layout, readHeapOnly } from "../growth/layout.ts";
import { ARMS, type GrownTable, type GrowthArm, growTable, type Measured, WIDTH } from "../growth/table.ts";
import { ratios } from "../measure.ts";
import type { Chart, Figure, Section, Target } from "../report.ts";

const SIZES = [10_000, 300_000];
const SIZES_FULL = [10_000, 1_000_000, 10_000_000];

const HOW = `
Tables of so many records, completed ones under random keys (UUIDs), and what the store alone makes of each with ${WIDTH} callers
over six connections: fresh pairs; the same with *ordered* keys, UUIDs of version 7; replays of old records, any of them
as likely as another; fresh pairs while the sweeper deletes an expired record for each that is created. Each measurement
begins with as many records as the table is called by, and what it has created is taken out after it; the expired ones of
the sweeping, 5 000, are put in right before it and are on top. The tables take turns within each round. Every measurement begins right after a checkpoint, when the log has the whole of each page that is
first written to, and its processor time, of all processes of Postgres, has the checkpoint that follows in it: the least
kind view of random keys. After each measurement the table is vacuumed; autovacuum, which could come in the middle of one, is
off here alone. Bytes are of the tables as they were
filled; what a table under load takes is in *steady*. Postgres has its default 128 MB of shared buffers, the rest is in the
system's cache or on the disk: replays of any of ten million records read what nobody has read for long. A result is of 67
to 73 bytes. Linux only.`;

interface Options {
  readonly sizes?: readonly number[];
}

type Rounds = Record<GrowthArm, Measured[]>;

interface Grown extends GrownTable {
  readonly rounds: Rounds;
}

/** What becomes of claims, ends and sweeping as the table grows. */
export async function benchGrowth(context: BenchContext, { sizes }: Options = {}): Promise<Section> {
  const { postgres, rounds, full, say } = context;
  await using open = new AsyncDisposableStack();
  const readCost = await createReadCost(await postgres.emptyDatabase("growth"));
  const tables: Grown[] = [];
  for (const records of sizes ?? (full ? SIZES_FULL : SIZES)) {
    say(`fills a table of ${count(records)} records`);
    const table = open.use(await growTable(postgres, { records, readCost }));
    tables.push({ ...table, rounds: { pairs: [], ordered: [], replays: [], sweeping: [] } });
  }
  for (let round = 0; round <= rounds; round++) {
    say(`round ${round} of ${rounds}`);
    for (const table of round % 2 === 0 ? tables : tables.toReversed()) {
      for (const arm of ARMS) {
        const measured = await table.arms[arm]();
        if (round > 0) table.rounds[arm].push(measured);
      }
    }
  }
  const figures: Figure[] = tables.flatMap(({ records, rounds }) => figuresOf(records, rounds));
  for (const { url, records, layout } of tables) {
    figures.push(...layoutFigures(records, layout), ...heapOnlyFigures(records, await readHeapOnly(url)));
  }
  const [smallest, ...larger] = tables;
  if (smallest !== undefined) figures.push(...larger.flatMap((table) => ratioFigures(table, smallest)));
  return { id: "growth", title: "A table that grows", how: HOW.trim(), figures, charts: chartsOf(tables) };
}

const NAMES: Readonly<Record<GrowthArm, string>> = {
  pairs: "fresh pairs",
  ordered: "pairs, ordered keys",
  replays: "replays",
  sweeping: "pairs while sweeping",
};

const UNITS: Readonly<Record<GrowthArm, string>> = {
  ...{ pairs: "pairs/s", ordered: "pairs/s", replays: "calls/s", sweeping: "pairs/s" },
};

const count = (records: number) => records.toLocaleString("en").replaceAll(",", " ");

function figuresOf(records: number, rounds: Rounds): readonly Figure[] {
  return ARMS.flatMap((arm) => {
    const id = `${arm}-${records}`;
    const what = `${count(records)} records, ${NAMES[arm]}`;
    const of = (part: keyof Measured) => pick(rounds[arm], (measured) => measured[part]);
    return [
      figure(`${id}-rate`, what, UNITS[arm], of("perSecond")),
      figure(`${id}-p99`, `${what}: p99`, "ms", of("p99Ms")),
      figure(`${id}-cpu`, `${what}: processor time of Postgres`, "µs", of("cpuMicros")),
      ...(arm === "replays" ? [] : [figure(`${id}-wal`, `${what}: write-ahead log`, "bytes", of("walBytes"))]),
    ];
  });
}

function layoutFigures(records: number, layout: Layout): readonly Figure[] {
  const what = `${count(records)} records, of each`;
  const ofEach = (bytes: number) => [bytes / layout.records];
  return [
    figure(`table-${records}`, `${what}: table`, "bytes", ofEach(layout.tableBytes)),
    ...Object.entries(layout.indexBytes).map(([name, bytes]) =>
      figure(`${idOf(name)}-${records}`, `${what}: index ${nameOf(name)}`, "bytes", ofEach(bytes)),
    ),
  ];
}

function heapOnlyFigures(records: number, { heartbeats, completions }: HeapOnly): readonly Figure[] {
  const what = `${count(records)} records, updates that touch no index`;
  return [
    figure(`heap-only-heartbeats-${records}`, `${what}: of heartbeats`, "%", [100 * heartbeats]),
    figure(`heap-only-completions-${records}`, `${what}: of completions`, "%", [100 * completions]),
  ];
}

/** What holds the project: a table of any size against the smallest, in the same rounds. */
function ratioFigures(table: Grown, smallest: Grown): readonly Figure[] {
  const what = `${count(table.records)} records ÷ ${count(smallest.records)}`;
  return ARMS.flatMap((arm) => {
    const ratio = (part: keyof Measured) => {
      const of = ({ rounds }: Grown) => pick(rounds[arm], (measured) => measured[part]);
      return ratios(of(table), of(smallest));
    };
    const id = `${arm}-${table.records}`;
    return [
      figure(`${id}-rate-ratio`, `${what}: ${NAMES[arm]}`, "×", ratio("perSecond"), held(`${id}-rate-ratio`)),
      figure(
        `${id}-cpu-ratio`,
        `${what}: ${NAMES[arm]}, processor time`,
        "×",
        ratio("cpuMicros"),
        held(`${id}-cpu-ratio`),
      ),
    ];
  });
}

/** Of any other sizes nothing is asked. */
function held(figureId: string): Target | undefined {
  const id = GOAL_IDS.find((each) => each === `growth/${figureId}`);
  return id && goal(id);
}

function chartsOf(tables: readonly Grown[]): readonly Chart[] {
  const layouts = tables.map(({ layout }) => layout);
  const sizes = tables.map(({ records }) => records);
  const over = (part: keyof Measured, arms: readonly GrowthArm[]) =>
    Object.fromEntries(
      arms.map((arm) => [NAMES[arm], tables.map(({ rounds }) => median(pick(rounds[arm], (m) => m[part])))]),
    );
  const bytes = (part: (layout: Layout) => number) => layouts.map((layout) => part(layout) / layout.records);
  const indexes = Object.keys(layouts[0]?.indexBytes ?? {});
  const lines = (id: string, title: string, unit: string, series: Readonly<Record<string, readonly number[]>>) =>
    linesOver({ id, title, unit }, "records", sizes, series);
  return [
    lines("growth-rate", "A second, by the records in the table", "per second", over("perSecond", ARMS)),
    lines("growth-cpu", "Processor time of Postgres, by the records in the table", "µs", over("cpuMicros", ARMS)),
    lines("growth-bytes", "Bytes on the disk for each record", "bytes", {
      table: bytes(({ tableBytes }) => tableBytes),
      ...Object.fromEntries(indexes.map((name) => [nameOf(name), bytes(({ indexBytes }) => indexBytes[name] ?? 0)])),
    }),
  ];
}

/** Without the schema. */
const nameOf = (index: string) => index.split(".").at(-1) ?? index;
const idOf = (index: string) => nameOf(index).replaceAll("_", "-");
