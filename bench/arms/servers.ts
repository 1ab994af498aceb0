import type { BenchContext } from "../context.ts";
import { barsOf, figure, pick } from "../figures.ts";
import { createReadCost } from "../growth/cost.ts";
import { startBenchClient } from "../load/client-process.ts";
import type { Measured } from "../load/loops.ts";
import { startBenchServer } from "../load/server-process.ts";
import type { Work } from "../load/work.ts";
import { interleave, ratios } from "../measure.ts";
import { cpuMicrosOfTree } from "../process-cpu.ts";
import type { Figure, Section } from "../report.ts";
import { serve } from "../serve.ts";

const CALLERS = 256;
const KEYS = 500;
/** Nothing is refused for the load that is measured. */
const UNGUARDED = ["--max-event-loop-delay", "off"];
/** Times of what one measurement takes. */
const WARM_UP = 2;
const SERVERS_MAX = 4;
const WORKERS = 2;

const HOW = `
One database, and one client with ${CALLERS} callers in a closed loop of unary calls, which go round over 1, 2 or 4 server
processes: the same load, spread over more servers. Where each server has as many callers as the one, that is said.
Processor time is that of all threads of all processes of a kind, Postgres's with its backends and writers, for each pair or
call. On a machine on which everything runs together more servers cannot carry more than one does once all cores are busy;
what they cost in addition is that the batches of each are smaller, which Postgres and the servers pay, and less so the more
load each of them has. *The database's share* is Postgres's time over Postgres's and the servers' together. *Workers* are
\`holdfast serve --workers ${WORKERS}\` at one address, the process that hands out connections included.`;

/** The same load on more and more servers, and as much for each. */
const CELLS = [
  { id: "pairs-servers-1", what: "pairs, 1 server", name: "pairs", servers: 1, callers: CALLERS },
  { id: "pairs-servers-2", what: "pairs, 2 servers", name: "pairs", servers: 2, callers: CALLERS },
  { id: "pairs-servers-4", what: "pairs, 4 servers", name: "pairs", servers: 4, callers: CALLERS },
  {
    id: "pairs-servers-4-full",
    what: `pairs, 4 servers with ${CALLERS} callers each`,
    name: "pairs",
    servers: 4,
    callers: SERVERS_MAX * CALLERS,
  },
  { id: "replays-servers-1", what: "replays, 1 server", name: "replays", servers: 1, callers: CALLERS },
  { id: "replays-servers-4", what: "replays, 4 servers", name: "replays", servers: 4, callers: CALLERS },
  { id: "pairs-workers-2", what: `pairs, --workers ${WORKERS}`, name: "pairs", servers: null, callers: CALLERS },
] as const;

const WORKS = {
  pairs: { kind: "pairs" },
  replays: { kind: "replays", keys: KEYS },
} as const satisfies Record<string, Work>;

interface Cost {
  readonly perSecond: number;
  readonly clientMicros: number;
  readonly serverMicros: number;
  readonly postgresMicros: number;
  readonly walBytes: number;
}

/** What a second and a fourth server on one database cost, and what the database's share is. */
export async function benchServers({ postgres, rounds, ms }: BenchContext): Promise<Section> {
  const url = await postgres.database("servers");
  await using opened = new AsyncDisposableStack();
  const client = opened.use(await startBenchClient());
  const servers = await Promise.all(Array.from({ length: SERVERS_MAX }, () => startBenchServer(url)));
  for (const server of servers) opened.use(server);
  const workers = opened.use(await serve(["--database-url", url, "--workers", `${WORKERS}`, ...UNGUARDED]));
  const readPostgres = await createReadCost(url);
  const addresses = servers.map(({ address }) => address);
  const load = { transport: "unary", callers: CALLERS } as const;
  await client.do({ kind: "end-keys", transport: "unary", addresses, keys: KEYS });
  // The more servers there are, the less each has done before it counts.
  const everywhere = { ...load, addresses: [...addresses, workers.grpc], ms: WARM_UP * ms };
  for (const work of Object.values(WORKS)) await client.do({ kind: "closed-loop", work, ...everywhere });

  const run = async ({ name, servers: count, callers }: (typeof CELLS)[number]): Promise<Cost> => {
    const some = servers.slice(0, count ?? 0);
    const readServers = async () =>
      count === null
        ? await cpuMicrosOfTree(workers.pid)
        : sum(await Promise.all(some.map((server) => server.cpuMicros())));
    const read = async () => ({ ...(await readPostgres()), serverMicros: await readServers() });
    const aim = { transport: "unary", addresses: count === null ? [workers.grpc] : addresses.slice(0, count) } as const;
    const before = await read();
    const measured: Measured = await client.do({ kind: "closed-loop", work: WORKS[name], callers, ms, ...aim });
    const after = await read();
    const each = (part: keyof typeof before) => (after[part] - before[part]) / measured.count;
    const { perSecond, clientMicros } = measured;
    return {
      ...{ perSecond, clientMicros, serverMicros: each("serverMicros") },
      ...{ postgresMicros: each("cpuMicros"), walBytes: each("walBytes") },
    };
  };
  const measured: Readonly<Record<string, readonly Cost[]>> = await interleave<string, Cost>(
    rounds,
    Object.fromEntries(CELLS.map((cell) => [cell.id, () => run(cell)])),
  );
  const of = (id: string) => measured[id] ?? [];
  return {
    id: "servers",
    title: "More servers on one database",
    how: HOW.trim(),
    figures: [
      ...CELLS.flatMap((cell) => costsOf(cell, of(cell.id))),
      figure("pairs-wal", "pairs, 1 server: write-ahead log", "B", pick(of("pairs-servers-1"), walBytes)),
      ...ratiosOf("pairs-2-to-1", "pairs, 2 servers ÷ 1", of("pairs-servers-2"), of("pairs-servers-1")),
      ...ratiosOf("pairs-4-to-1", "pairs, 4 servers ÷ 1", of("pairs-servers-4"), of("pairs-servers-1")),
      ...ratiosOf(
        "pairs-4-full-to-1",
        `pairs, 4 servers with ${CALLERS} callers each ÷ 1`,
        of("pairs-servers-4-full"),
        of("pairs-servers-1"),
      ),
      ...ratiosOf("replays-4-to-1", "replays, 4 servers ÷ 1", of("replays-servers-4"), of("replays-servers-1")),
      ...ratiosOf(
        "workers-2-to-1",
        `pairs, --workers ${WORKERS} ÷ 1 server`,
        of("pairs-workers-2"),
        of("pairs-servers-1"),
      ),
    ],
    charts: [
      barsOf(
        { id: "servers-postgres", title: "Postgres's processor for a pair", unit: "µs" },
        "servers",
        Object.fromEntries(
          CELLS.filter(({ name, servers }) => name === "pairs" && servers !== null).map(({ id, servers, callers }) => [
            callers === CALLERS ? `${servers}` : `${servers}, ${callers / CALLERS} × the load`,
            pick(of(id), postgresMicros),
          ]),
        ),
      ),
    ],
  };
}

const rate = ({ perSecond }: Cost) => perSecond;
const postgresMicros = (cost: Cost) => cost.postgresMicros;
const walBytes = (cost: Cost) => cost.walBytes;
/** Of all but the client. */
const micros = (cost: Cost) => cost.serverMicros + cost.postgresMicros;
const share = (cost: Cost) => cost.postgresMicros / micros(cost);

function costsOf({ id, what, name }: (typeof CELLS)[number], costs: readonly Cost[]): readonly Figure[] {
  const part = (suffix: string, words: string, unit: string, value: (cost: Cost) => number) =>
    figure(`${id}-${suffix}`, `${what}: ${words}`, unit, pick(costs, value));
  return [
    figure(`${id}-rate`, what, name === "pairs" ? "pairs/s" : "calls/s", pick(costs, rate)),
    part("client", "the client's processor", "µs", ({ clientMicros }) => clientMicros),
    part("server", "the servers' processor", "µs", ({ serverMicros }) => serverMicros),
    part("postgres", "Postgres's processor", "µs", postgresMicros),
    part("share", "the database's share of both", "×", share),
  ];
}

function ratiosOf(id: string, what: string, more: readonly Cost[], one: readonly Cost[]): readonly Figure[] {
  const ratio = (suffix: string, words: string, value: (cost: Cost) => number) =>
    figure(`${id}-${suffix}`, `${what}: ${words}`, "×", ratios(pick(more, value), pick(one, value)));
  return [
    ratio("rate", "a second", rate),
    ratio("micros", "processor of servers and Postgres", micros),
    ratio("postgres", "Postgres's processor", postgresMicros),
  ];
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
