import type { BenchContext } from "../context.ts";
import { figure, pick } from "../figures.ts";
import { type Child, startChild } from "../load/child.ts";
import { type BenchClient, startBenchClient } from "../load/client-process.ts";
import type { Measured } from "../load/loops.ts";
import { type BenchServer, startBenchServer } from "../load/server-process.ts";
import { interleave, quantiles, ratios } from "../measure.ts";
import type { NaiveAnswers, NaiveOrder, NaiveWay } from "../naive/orders.ts";
import type { Figure, Section } from "../report.ts";

const CALLERS = 64;
const KEYS = 500;
const TRIALS = { one: 30, hundred: 5 } as const;

const HOW = `
What people write by hand, in an application's own process, over the ten connections that a \`pg\` pool has: a table with a
key and a response. *Transactions*: each claim selects for update and inserts, each completion updates and calls
\`pg_notify\`, between \`begin\` and \`commit\`. *Statements*: the same statements one by one, and no notification. Neither has
leases, fences, fingerprints, retries or tenants, so a holder that dies keeps its key for ever. Against it the service by
unary calls and by a session, each with a network hop more; the same Postgres, ${CALLERS} callers, interleaved. Waiters poll
every 25 ms, each has polled once before the key is completed; or one hears the notification and reads, which may be before
the holder has its answer: a figure below 0. The service's waiters are claims with a wait on another server, which has said
that all of them wait. All of this is on one Postgres with the same settings, autovacuum too.`;

/** What is written by hand, beside the service. */
export async function benchNaive({ postgres, rounds, ms }: BenchContext): Promise<Section> {
  const url = await postgres.database("naive_service");
  await using naive = await startNaive(await postgres.emptyDatabase("naive"));
  await using server = await startBenchServer(url);
  await using other = await startBenchServer(url);
  await using client = await startBenchClient();
  await naive.ask({ kind: "end-keys", keys: KEYS } satisfies NaiveOrder);
  await client.do({ kind: "end-keys", transport: "unary", addresses: [server.address], keys: KEYS });
  const pairs = await interleave(rounds, {
    transactions: byHand(naive, "pairs", "transactions", ms),
    statements: byHand(naive, "pairs", "statements", ms),
    unary: byService(client, server, "pairs", "unary", ms),
    session: byService(client, server, "pairs", "session", ms),
  });
  const replays = await interleave(rounds, {
    transactions: byHand(naive, "replays", "transactions", ms),
    statements: byHand(naive, "replays", "statements", ms),
    unary: byService(client, server, "replays", "unary", ms),
    session: byService(client, server, "replays", "session", ms),
  });
  const tell = async (order: NaiveOrder) => quantiles((await naive.ask<NaiveAnswers["polled"]>(order)).ms);
  const waiting = (waiters: number, trials: number) => async () => {
    const transport = "unary";
    const at = { holder: server.address, waiter: other.address, waiterMetrics: other.metricsUrl };
    return quantiles((await client.do({ kind: "wake-ups", transport, ...at, waiters, trials })).ms);
  };
  const wakeUps = await interleave(rounds, {
    "polled-1": () => tell({ kind: "polled", waiters: 1, trials: TRIALS.one }),
    "notified-1": () => tell({ kind: "notified", trials: TRIALS.one }),
    "service-1": waiting(1, TRIALS.one),
    "polled-100": () => tell({ kind: "polled", waiters: 100, trials: TRIALS.hundred }),
    "service-100": waiting(100, TRIALS.hundred),
  });
  const names = { polled: "by hand, polling", notified: "by hand, notified", service: "service, another server" };
  const latencies = (id: keyof typeof wakeUps): readonly Figure[] => {
    const [who, waiters] = id.split("-") as [keyof typeof names, string];
    const what = `wake-up: ${names[who]}, ${waiters === "1" ? "one waiter" : `${waiters} waiters`}`;
    return [
      figure(
        `wake-up-${id}-p50`,
        `${what}, p50`,
        "ms",
        pick(wakeUps[id], ({ p50 }) => p50),
      ),
      figure(
        `wake-up-${id}-p99`,
        `${what}, p99`,
        "ms",
        pick(wakeUps[id], ({ p99 }) => p99),
      ),
    ];
  };
  return {
    id: "naive",
    title: "What is written by hand",
    how: HOW.trim(),
    figures: [
      ...ratesOf("pairs", "fresh pairs", "pairs/s", pairs),
      ...ratesOf("replays", "replays", "calls/s", replays),
      ...(Object.keys(wakeUps) as (keyof typeof wakeUps)[]).flatMap(latencies),
    ],
  };
}

type Rates = Readonly<Record<NaiveWay | "unary" | "session", readonly Measured[]>>;

function ratesOf(id: string, what: string, unit: string, measured: Rates): readonly Figure[] {
  const rate = (of: keyof Rates) => pick(measured[of], ({ perSecond }) => perSecond);
  return [
    figure(`${id}-transactions-rate`, `${what}: by hand, transactions`, unit, rate("transactions")),
    figure(`${id}-statements-rate`, `${what}: by hand, statements`, unit, rate("statements")),
    figure(`${id}-unary-rate`, `${what}: service, unary calls`, unit, rate("unary")),
    figure(`${id}-session-rate`, `${what}: service, session`, unit, rate("session")),
    figure(
      `${id}-unary-ratio`,
      `${what}: unary calls ÷ transactions`,
      "×",
      ratios(rate("unary"), rate("transactions")),
    ),
    figure(
      `${id}-session-ratio`,
      `${what}: session ÷ transactions`,
      "×",
      ratios(rate("session"), rate("transactions")),
    ),
  ];
}

type Naive = Child<"ready">;

function startNaive(url: string): Promise<Naive> {
  return startChild<"ready">(new URL("../naive/process.ts", import.meta.url), [url]);
}

function byHand(
  naive: Naive,
  kind: "pairs" | "replays",
  by: NaiveWay,
  ms: number,
): (share: number) => Promise<Measured> {
  return (share) =>
    naive.ask<Measured>({ kind, by, keys: KEYS, callers: CALLERS, ms: ms * share } satisfies NaiveOrder);
}

function byService(
  client: BenchClient,
  server: BenchServer,
  kind: "pairs" | "replays",
  transport: "unary" | "session",
  ms: number,
): (share: number) => Promise<Measured> {
  const work = kind === "pairs" ? { kind } : { kind, keys: KEYS };
  return (share) =>
    client.do({ kind: "closed-loop", transport, addresses: [server.address], work, callers: CALLERS, ms: ms * share });
}
