import type { Bench } from "./context.ts";

/** One arm, by the name that `--only` knows. */
export interface Arm {
  readonly id: string;
  readonly about: string;
  /**
   * Of a run without `--full` on two cores with nothing beside it, to know whether it still fits into five minutes. Null
   * for an arm that runs only with it, or by name.
   */
  readonly usualSeconds: number | null;
  /** Only then is its code loaded, and that of what it compares with. */
  readonly load: () => Promise<Bench>;
}

/** In the order in which they run: first those with what the project holds itself to, which a short run must not leave out. */
export const ARMS: readonly Arm[] = [
  {
    id: "peers",
    about: "Restate, DBOS, Redis and @adcp/sdk beside the service, where npm run bench:peers has installed them",
    usualSeconds: 60,
    load: async () => (await import("./arms/peers.ts")).benchPeers,
  },
  {
    id: "replay",
    about: "replays: unary, session, store only; against an echo",
    usualSeconds: 16,
    load: async () => (await import("./arms/replay.ts")).benchReplay,
  },
  {
    id: "wake-up",
    about: "from a completion to 1, 100, 10 000 waiters, on the same server and on another",
    usualSeconds: 40,
    load: async () => (await import("./arms/wake-up.ts")).benchWakeUp,
  },
  {
    id: "latency",
    about: "p50 and p99 of claims at half of capacity",
    usualSeconds: 9,
    load: async () => (await import("./arms/latency.ts")).benchLatency,
  },
  {
    id: "growth",
    about: "claims, ends and sweeping on tables of 10⁴ and 3·10⁵ records, with --full up to 10⁷",
    usualSeconds: 23,
    load: async () => (await import("./arms/growth.ts")).benchGrowth,
  },
  {
    id: "memory",
    about: "ten thousand who wait, against a bare grpc-js server",
    usualSeconds: 15,
    load: async () => (await import("./arms/memory.ts")).benchMemory,
  },
  {
    id: "pairs",
    about: "fresh claim + complete: unary, session, store only; 1 to 512 callers",
    usualSeconds: 28,
    load: async () => (await import("./arms/pairs.ts")).benchPairs,
  },
  {
    id: "servers",
    about: "1, 2 and 4 servers on one database, and the database's share",
    usualSeconds: 27,
    load: async () => (await import("./arms/servers.ts")).benchServers,
  },
  {
    id: "naive",
    about: "what is written by hand: pairs, replays and wake-up",
    usualSeconds: 30,
    load: async () => (await import("./arms/naive.ts")).benchNaive,
  },
  {
    id: "contention",
    about: "1 000 claims of one key at once, 95 % replays, Zipf",
    usualSeconds: 14,
    load: async () => (await import("./arms/contention.ts")).benchContention,
  },
  {
    id: "hot-path",
    about: "a call above the store, layer by layer",
    usualSeconds: null,
    load: async () => {
      const { benchHotPath } = await import("./hot-path.ts");
      return ({ rounds }) => benchHotPath(rounds);
    },
  },
  {
    id: "store",
    about: "the store alone: batches against single calls",
    usualSeconds: null,
    load: async () => (await import("./arms/store.ts")).benchStore,
  },
  {
    id: "statement",
    about: "one claim statement, by its rows",
    usualSeconds: null,
    load: async () => (await import("./arms/statement.ts")).benchStatement,
  },
  {
    id: "history",
    about: "what histories cost",
    usualSeconds: null,
    load: async () => (await import("./arms/history.ts")).benchHistory,
  },
  {
    id: "tracing",
    about: "what tracing costs, with and without an SDK",
    usualSeconds: null,
    load: async () => (await import("./arms/tracing.ts")).benchTracing,
  },
  {
    id: "completions",
    about: "what waiting costs those who complete",
    usualSeconds: null,
    load: async () => (await import("./arms/completions.ts")).benchCompletions,
  },
  {
    id: "middleware",
    about: "what the HTTP middleware adds to a route of Fastify, against a claim and a completion",
    usualSeconds: null,
    load: async () => (await import("./arms/middleware.ts")).benchMiddleware,
  },
  {
    id: "scrape",
    about: "a scrape of /metrics with 10 000 waiters",
    usualSeconds: null,
    load: async () => (await import("./arms/scrape.ts")).benchScrape,
  },
  {
    id: "neighbours",
    about: "one tenant beside another",
    usualSeconds: null,
    load: async () => (await import("./arms/neighbours.ts")).benchNeighbours,
  },
  {
    id: "tenants",
    about: "a start with 100 000 tenants",
    usualSeconds: null,
    load: async () => (await import("./arms/tenants.ts")).benchTenants,
  },
  {
    id: "steady",
    about: "five minutes of steady load, with --full thirty: memory, table, indexes",
    usualSeconds: null,
    load: async () => (await import("./arms/steady.ts")).benchSteady,
  },
  {
    id: "idle",
    about: "memory of an idle server, and its first start",
    usualSeconds: null,
    load: async () => (await import("./arms/idle.ts")).benchIdle,
  },
];
