import type { Rpc } from "../../../src/client/runtime.ts";
import { canaryOf } from "../../history/canaries.ts";
import { millis } from "../../history/load/wire.ts";
import { claimOf, completeOf, handleOf, type Key, LONG, openCallers, resultIn, textIn } from "../calls.ts";
import { type Crowd, metricOf, metricsOf, openCrowds, percentile, until } from "../crowd.ts";
import type { Field, Row } from "../row.ts";

const WAITERS = { short: 1_000, full: 10_000 };
/** Of each server: when it hears of the end, and one of the backstop's that falls in between. */
const READS_MAX = 2;
/** A record is read so often anyway: once a second, or a fifth earlier. What was due while we looked is not counted. */
const BACKSTOP_MS = 800;
/** One waiter in so many watches by WaitFor, the others claim and wait. */
const WATCH_EVERY = 10;
const WAIT_MS = 60_000;
const LEASE_MS = 600_000;

/** Of all wake-ups so many may be the backstop's: its read may fall between an end and the news of it. */
const POLLED_SHARE_MAX = 1 / 3;

/**
 * Ten thousand wait for one key over three servers, and its holder completes it.
 *
 * How long it takes until they have its result is told and not judged: it is mostly the time that this one process takes
 * to read ten thousand answers, on the processors that the servers need too. So V5 is not asked; what it is for is seen by
 * when the servers themselves had read the end, and that nobody is left out.
 */
export const oneEndForAll: Row = {
  id: "F27",
  fault: "a crowd waits for one key over all servers, and its holder completes it",
  // Others' reads could not be told from those for the crowd.
  load: { callers: 0 },
  unjudged: ["V5"],
  times: { short: 1, full: 50 },
  control: { kind: "mutant", mutant: "no-notify", fails: /of them by the backstop/ },
  async inject(field) {
    const { stand, recorder, scope, times, isFull, figure, say } = field;
    const waiters = isFull ? WAITERS.full : WAITERS.short;
    using callers = openCallers(recorder, "f27");
    const crowds = await openCrowds(callers, stand.servers, waiters);
    const rounds: Round[] = [];
    const wakeUps = (sample: string, path?: string) =>
      metricOf(stand.servers, `holdfast_wakeup_seconds_${sample}`, path === undefined ? {} : { path });
    const before = {
      count: await wakeUps("count"),
      sum: await wakeUps("sum"),
      polled: await wakeUps("count", "polled"),
    };
    for (let i = 0; i < times; i++) {
      const round = await endForAll(field, crowds, { scope, key: `round-${i}` }, waiters);
      rounds.push(round);
      say(`F27: round ${i + 1} of ${times}, p99 ${Math.round(percentile(round.ms, 0.99))} ms, reads ${round.reads}`);
    }
    const ms = rounds.flatMap((round) => round.ms);
    const fewest = Math.min(...rounds.map(({ delivered }) => delivered));
    figure({ name: "waiters in each round", value: waiters, unit: "calls" });
    figure({
      name: "waiters that were told the result, fewest",
      value: fewest,
      unit: "calls",
      must: { atLeast: waiters },
    });
    figure({
      name: "reads of a server from the completion until all were told, most",
      value: Math.max(...rounds.flatMap(({ reads }) => reads)),
      unit: "reads",
      must: { atMost: READS_MAX },
    });
    const count = (await wakeUps("count")) - before.count;
    figure({ name: "servers woken", value: count, unit: "", must: { atLeast: times * stand.servers.length } });
    figure({
      name: "of them by the backstop",
      value: (await wakeUps("count", "polled")) - before.polled,
      unit: "",
      must: { atMost: Math.floor(count * POLLED_SHARE_MAX) },
    });
    const seconds = (await wakeUps("sum")) - before.sum;
    figure({ name: "from the end until a server has read it, mean", value: (1_000 * seconds) / count, unit: "ms" });
    figure({ name: "p50 after the completion was answered", value: percentile(ms, 0.5), unit: "ms" });
    figure({ name: "p99 after the completion was answered", value: percentile(ms, 0.99), unit: "ms" });
  },
};

interface Round {
  readonly delivered: number;
  /** Of each server. */
  readonly reads: readonly number[];
  readonly ms: readonly number[];
}

async function endForAll(field: Field, crowds: readonly Crowd[], key: Key, waiters: number): Promise<Round> {
  const { servers } = field.stand;
  const [first] = crowds;
  if (first === undefined) throw new Error("bug: a stand without servers");
  const holder = first.next();
  const handle = handleOf(await holder.claim(claimOf(key, { leaseMs: LEASE_MS })));
  const text = `${canaryOf("default")} for all of ${key.key}`;
  const toldAtMs: number[] = [];
  let delivered = 0;
  const wait = async (rpc: Rpc, i: number) => {
    const told = await (i % WATCH_EVERY === 0 ? watched(rpc, key) : claimed(rpc, key));
    toldAtMs.push(performance.now());
    if (told === text) delivered++;
  };
  const waiting: Promise<void>[] = [];
  // One thousand after the other: a server that is sent them all at one instant sheds some of them.
  for (let from = 0; from < waiters; from += 1_000) {
    const to = Math.min(waiters, from + 1_000);
    for (let i = from; i < to; i++) waiting.push(wait(crowds[i % crowds.length]?.next() ?? holder, i));
    const all = Promise.all(waiting);
    all.catch(() => undefined);
    await Promise.race([
      until(async () => (await metricOf(servers, "holdfast_waiting_calls")) >= to, `${to} wait`),
      all,
    ]);
  }
  const reads = () => metricsOf(servers, "holdfast_batch_rows_sum", { statement: "peek" });
  const beforeMs = performance.now();
  const before = await reads();
  const endedMs = await field.recorder.during({ mark: "trouble" }, async () => {
    await holder.complete(completeOf(handle, text));
    const atMs = performance.now();
    await Promise.all(waiting);
    return atMs;
  });
  const after = await reads();
  const due = Math.floor((endedMs - beforeMs) / BACKSTOP_MS);
  await holder.getRecord({ key, includeResult: true });
  return {
    delivered,
    reads: after.map((count, i) => Math.max(0, count - (before[i] ?? Number.NaN) - due)),
    ms: toldAtMs.map((atMs) => atMs - endedMs),
  };
}

async function claimed(rpc: Rpc, key: Key): Promise<string | null> {
  return resultIn(await rpc.claim(claimOf(key, { waitMs: WAIT_MS }), LONG));
}

async function watched(rpc: Rpc, key: Key): Promise<string | null> {
  let told: string | null = null;
  const request = { targets: [{ key }], timeout: millis(WAIT_MS), includeResult: true };
  for await (const { event } of rpc.waitFor(request, LONG)) {
    if (event.case === "ended" && event.value.detail.case === "completed")
      told = textIn(event.value.detail.value.result);
  }
  return told;
}
