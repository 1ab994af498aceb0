import type { BenchContext } from "../context.ts";
import { figure, linesOver, median, pick } from "../figures.ts";
import { startBenchClient } from "../load/client-process.ts";
import { closedLoop, type Measured } from "../load/loops.ts";
import { startBenchServer } from "../load/server-process.ts";
import { createStorePairs } from "../load/store-work.ts";
import { interleave, ratios } from "../measure.ts";
import type { Chart, Figure, Section } from "../report.ts";
import { openPlainStore } from "../stores.ts";

/** The widest is where a session shows what it can carry. */
const CALLERS = [1, 16, 64, 256, 512];
const NAMES = { unary: "unary calls", session: "session", store: "store only" } as const;
type By = keyof typeof NAMES;

const CELLS = (Object.keys(NAMES) as By[]).flatMap((by) =>
  CALLERS.filter((callers) => by === "session" || callers < 512).map((callers) => ({
    id: `${by}-${callers}`,
    by,
    callers,
  })),
);

const HOW = `
A closed loop: each caller claims a new key, completes it with the handle of the answer, and begins again. The server is a
process of its own, as \`holdfast serve\` builds it, and so is the client, which makes its frames by hand (some 10 µs of its
processor for a call): with Postgres they share the machine. *Store only* is the library under the server, in one process
with its callers and without a network. Latencies are those of a whole pair, from sending the claim to the completion's
answer. With few callers a batch holds few rows, and the disk's flush is most of what a caller waits for.`;

/** Fresh claim + complete: by unary calls, by a session, and through the store alone. */
export async function benchPairs({ postgres, rounds, ms }: BenchContext): Promise<Section> {
  const url = await postgres.database("pairs");
  await using server = await startBenchServer(url);
  await using client = await startBenchClient();
  await using plain = await openPlainStore(url);
  const storePair = createStorePairs(plain.store);
  const run =
    (by: By, callers: number) =>
    (share: number): Promise<Measured> => {
      if (by === "store") return closedLoop(callers, ms * share, storePair);
      const addresses = [server.address];
      return client.do({
        kind: "closed-loop",
        transport: by,
        addresses,
        work: { kind: "pairs" },
        callers,
        ms: ms * share,
      });
    };
  const measured = await interleave(
    rounds,
    Object.fromEntries(CELLS.map(({ id, by, callers }) => [id, run(by, callers)])),
  );
  const of = (by: By, callers: number) => measured[`${by}-${callers}`] ?? [];
  const ratio = (callers: number) => ratios(pick(of("session", callers), rate), pick(of("unary", callers), rate));
  return {
    id: "pairs",
    title: "Fresh claim and completion",
    how: HOW.trim(),
    figures: [
      ...CELLS.flatMap(({ by, callers }) => figuresOf(by, callers, of(by, callers))),
      figure("session-to-unary", "session ÷ unary calls, 256 callers", "×", ratio(256)),
    ],
    charts: [
      chart("pairs-rate", "Pairs a second", "pairs/s", of, rate),
      chart("pairs-p50", "Half of the pairs are done within", "ms", of, p50),
      chart("pairs-p99", "99 % of the pairs are done within", "ms", of, p99),
    ],
  };
}

const rate = ({ perSecond }: Measured) => perSecond;
const p50 = ({ latency }: Measured) => latency.p50Ms;
const p99 = ({ latency }: Measured) => latency.p99Ms;

function figuresOf(by: By, callers: number, measured: readonly Measured[]): readonly Figure[] {
  const id = `${by}-${callers}`;
  const what = `${NAMES[by]}, ${callers} ${callers === 1 ? "caller" : "callers"}`;
  return [
    figure(`${id}-rate`, what, "pairs/s", pick(measured, rate)),
    figure(`${id}-p50`, `${what}, p50`, "ms", pick(measured, p50)),
    figure(`${id}-p99`, `${what}, p99`, "ms", pick(measured, p99)),
  ];
}

function chart(
  id: string,
  title: string,
  unit: string,
  of: (by: By, callers: number) => readonly Measured[],
  part: (measured: Measured) => number,
): Chart {
  const medianOf = (measured: readonly Measured[]) => (measured.length === 0 ? null : median(pick(measured, part)));
  const series = (Object.keys(NAMES) as By[]).map((by): [string, readonly (number | null)[]] => [
    NAMES[by],
    CALLERS.map((callers) => medianOf(of(by, callers))),
  ]);
  return linesOver({ id, title, unit }, "callers", CALLERS, Object.fromEntries(series));
}
