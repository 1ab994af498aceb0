import { setTimeout as pause } from "node:timers/promises";
import { Code, ConnectError } from "@connectrpc/connect";
import type { Rpc } from "../../../src/client/runtime.ts";
import { millis } from "../../history/load/wire.ts";
import { claimOf, handleOf, LONG, openCallers } from "../calls.ts";
import type { Field, Row } from "../row.ts";
import { type Contended, contendFor } from "../witness/contender.ts";
import { startFlood } from "../witness/flood.ts";
import { between, readPages } from "../witness/pages.ts";

const LATENCY_MS = 200;
const SPREAD_MS = 100;
const SLOW_MS = { short: 5_000, full: 60_000 };
const CLAIMERS = 60;
const HOLDERS = 24;
const LEASE_MS = 5_000;
const BEAT_MS = 1_500;
const QUEUED_SECONDS_MAX = 1;
const TRIPS = 2;
/** One at a time they would get 40 %: two statements on each of two lanes of three servers, five times a second. */
const THROUGHPUT_PERCENT_MIN = 50;

/**
 * What the database answers arrives 200 ms later, give or take 100, on every link of every server. With a lane per
 * statement kind a heartbeat waits for heartbeats only, so nobody who extends a lease of 5 s in time loses it.
 *
 * The matrix's bound on throughput is about full batches, which a few dozen callers do not fill. What is bounded here is
 * what batches are for: claims do not follow each other over the link, so each takes little more than two trips, one that
 * it waits for and its own, however many there are.
 */
export const slowLinks: Row = {
  id: "F10",
  fault: "200 ms more, give or take 100, on every link to the database",
  times: { short: 1, full: 3 },
  unjudged: ["V5"],
  async inject(field) {
    const { stand, load, recorder, random, times, isFull, scope, baseline, figure, say } = field;
    using callers = openCallers(recorder, "f10");
    const latency = () => LATENCY_MS + SPREAD_MS * (2 * random() - 1);
    const links = stand.servers.flatMap(({ database, listener }) => [database, listener]);
    const before = await readPages(stand.servers);
    const windows: { readonly fromMs: number; readonly toMs: number }[] = [];
    const rpcs = stand.servers.map((server) => callers.open(server));
    const contended: Contended = { refused: 0, taken: 0, lapsed: 0 };
    let [beats, lost, claimed] = [0, 0, 0];
    await recorder.during({ mark: "trouble" }, async () => {
      try {
        for (let round = 1; round <= times; round++) {
          for (const link of links) link.delay(latency, "to-client");
          const flood = startFlood({
            ...{ callers: CLAIMERS, rpcOf: (i) => rpcs[i % rpcs.length] as Rpc, restMs: { always: 0, refused: 100 } },
            keyOf: (caller, turn) => ({ scope: `${scope}-claimed`, key: `${round}-${caller}-${turn}` }),
          });
          const fromMs = performance.now();
          const untilMs = fromMs + (isFull ? SLOW_MS.full : SLOW_MS.short);
          const told = await Promise.all(
            Array.from({ length: HOLDERS }, (_, i) => {
              const server = stand.servers[i % stand.servers.length];
              if (server === undefined) throw new Error("bug: a stand without servers");
              const other = rpcs[(i + 1) % rpcs.length] as Rpc;
              return holdOn(field, callers.open(server), other, { key: `holder-${round}-${i}`, untilMs, contended });
            }),
          );
          claimed += flood.answers.answered;
          windows.push({ fromMs, toMs: performance.now() });
          await flood.stop();
          for (const link of links) link.delay(null);
          beats += told.reduce((sum, one) => sum + one.beats, 0);
          lost += told.filter(({ isLost }) => isLost).length;
          say(`links slow for ${round} of ${times} times`);
        }
      } finally {
        for (const link of links) link.delay(null);
      }
    });
    const slow = between(before, await readPages(stand.servers));
    const usual = load.latencies(baseline);
    const told = windows.map((window) => load.latencies(window));
    const seconds = windows.reduce((sum, { fromMs, toMs }) => sum + (toMs - fromMs) / 1_000, 0);
    const p50Ms = Math.max(...told.map((one) => one.p50Ms));
    figure({ name: "usual call, p50", value: usual.p50Ms, unit: "ms" });
    figure({ name: "slow call, p50", value: p50Ms, unit: "ms", must: { atLeast: LATENCY_MS - SPREAD_MS } });
    figure({ name: "fresh claims answered", value: claimed / seconds, unit: "per s" });
    figure({
      ...{
        name: "of what their callers get with two trips each",
        unit: "%",
        must: { atLeast: THROUGHPUT_PERCENT_MIN },
      },
      value: (100 * claimed * TRIPS * LATENCY_MS) / 1_000 / seconds / CLAIMERS,
    });
    figure({ name: "heartbeats of leases of 5 s", value: beats, unit: "", must: { atLeast: HOLDERS * times } });
    const { refused, taken, lapsed } = contended;
    figure({ name: "asked for meanwhile, and refused", value: refused, unit: "", must: { atLeast: HOLDERS * times } });
    figure({ name: "given to somebody else before their end", value: taken, unit: "", must: { atMost: 0 } });
    figure({ name: "given to somebody else after their end", value: lapsed, unit: "" });
    figure({ name: "leases lost by who extends them", value: lost, unit: "", must: { atMost: 0 } });
    figure({
      ...{ name: "batches whose oldest call queued for 1 s at most", unit: "%", must: { atLeast: 99 } },
      value: slow.percentUpTo(QUEUED_SECONDS_MAX, "holdfast_queue_wait_seconds"),
    });
    figure({ name: "rows of a batch, mean", value: slow.mean("holdfast_batch_rows"), unit: "" });
  },
  control: { kind: "mutant", mutant: "early-takeover", fails: /given to somebody else before|porcupine: VIOLATION/ },
};

interface Holding {
  readonly key: string;
  readonly untilMs: number;
  readonly contended: Contended;
}

/**
 * Holds a lease until then, while somebody asks another server for it between any two heartbeats. Says whether its holder
 * was told that it had lost it, though nobody had been given it.
 */
async function holdOn({ scope }: Field, rpc: Rpc, other: Rpc, { key: name, untilMs, contended }: Holding) {
  const key = { scope: `${scope}-held`, key: name };
  let beatenMs = performance.now();
  const handle = handleOf(await rpc.claim(claimOf(key, { leaseMs: LEASE_MS }), LONG));
  for (let beats = 0; ; beats++) {
    await pause(BEAT_MS / 2);
    if (performance.now() >= untilMs) return { beats, isLost: false };
    if (await contendFor(other, { key, leaseMs: LEASE_MS, beatenMs }, contended)) return { beats, isLost: false };
    await pause(BEAT_MS / 2);
    const sentMs = performance.now();
    try {
      await rpc.heartbeat({ handle, lease: millis(LEASE_MS) }, LONG);
      beatenMs = sentMs;
    } catch (error) {
      if (!LOST.has(ConnectError.from(error).code)) throw error;
      return { beats, isLost: true };
    }
  }
}

/** LEASE_SUPERSEDED, and a token or a record that is unknown. */
const LOST: ReadonlySet<Code> = new Set([Code.Aborted, Code.FailedPrecondition, Code.NotFound]);
