import { setTimeout as sleep } from "node:timers/promises";
import type { ClaimResponse } from "../../../gen/holdfast/v1/idempotency_pb.ts";
import { canaryOf } from "../../history/canaries.ts";
import { claimOf, completeOf, handleIn, type Key, LONG, openCallers, resultIn } from "../calls.ts";
import { type Crowd, metricOf, metricsOf, openCrowds, percentile, until } from "../crowd.ts";
import type { Field, Row } from "../row.ts";

const CALLS = { short: 2_000, full: 10_000 };
/** Of each server and round: one that is there first, one that hears of it, and what a race of servers costs. */
const STATEMENTS_MAX = 4;
/** How many ask once more when the winner has ended it. */
const REPLAYS = 16;
/** The calls lie in the proxies by then. */
const SETTLE_MS = 100;

/**
 * Ten thousand claims of one key at one instant, over three servers. At one instant is what no client can send: so the
 * calls are held back before the servers, and the answers of the database behind them, until every server has all of its
 * own. What is counted then are statements that a crowd costs, and not how long it takes to arrive.
 *
 * How long the answers take is told and not judged: callers, servers and database share the processors of one machine.
 */
export const oneKeyAtOnce: Row = {
  id: "F26",
  fault: "a crowd claims one key at one instant, over all servers",
  // Others' statements could not be told from those of the crowd.
  load: { callers: 0 },
  // Nobody waits here.
  unjudged: ["V5"],
  times: { short: 1, full: 100 },
  control: { kind: "mutant", mutant: "no-followers", fails: /statements of a round/ },
  async inject(field) {
    const { stand, recorder, scope, times, isFull, figure, say } = field;
    const calls = isFull ? CALLS.full : CALLS.short;
    using callers = openCallers(recorder, "f26");
    const crowds = await openCrowds(callers, stand.servers, calls);
    const rounds: Round[] = [];
    for (let i = 0; i < times; i++) {
      rounds.push(await claimAtOnce(field, crowds, { scope, key: `round-${i}` }, calls));
      say(`F26: round ${i + 1} of ${times}, ${rounds.at(-1)?.statements} statements`);
    }
    const all = (of: (round: Round) => number) => rounds.map(of);
    figure({ name: "claims in each round", value: calls, unit: "calls" });
    figure({
      name: "winners of a round, fewest",
      value: Math.min(...all(({ winners }) => winners)),
      unit: "",
      must: { atLeast: 1 },
    });
    figure({
      name: "winners of a round, most",
      value: Math.max(...all(({ winners }) => winners)),
      unit: "",
      must: { atMost: 1 },
    });
    figure({
      name: "claims told neither that they won nor that it is in progress",
      value: all(({ others }) => others).reduce((sum, others) => sum + others, 0),
      unit: "calls",
      must: { atMost: 0 },
    });
    figure({
      name: "statements of a round, most",
      value: Math.max(...all(({ statements }) => statements)),
      unit: "statements",
      must: { atMost: stand.servers.length * STATEMENTS_MAX },
    });
    figure({
      name: "p50",
      value: percentile(
        rounds.flatMap(({ ms }) => ms),
        0.5,
      ),
      unit: "ms",
    });
    figure({
      name: "p99",
      value: percentile(
        rounds.flatMap(({ ms }) => ms),
        0.99,
      ),
      unit: "ms",
    });
  },
};

interface Round {
  readonly winners: number;
  readonly others: number;
  readonly statements: number;
  /** From when all were let go. */
  readonly ms: readonly number[];
}

async function claimAtOnce(field: Field, crowds: readonly Crowd[], key: Key, calls: number): Promise<Round> {
  const { servers } = field.stand;
  const before = await metricOf(servers, "holdfast_batch_rows_count");
  let releasedMs = 0;
  const ms: number[] = [];
  const answers = await field.recorder.during({ mark: "trouble" }, async () => {
    const arrivedBefore = await arrived(crowds);
    for (const { callers } of servers) callers.hold("to-server");
    const asked = Array.from({ length: calls }, async (_, i) => {
      const answer = await crowds[i % crowds.length]?.next().claim(claimOf(key), LONG);
      ms.push(performance.now() - releasedMs);
      if (answer === undefined) throw new Error("bug: a crowd without servers");
      return answer;
    });
    await sleep(SETTLE_MS);
    for (const { callers, database } of servers) {
      database.hold("to-client");
      callers.release();
    }
    await until(async () => (await arrived(crowds)) - arrivedBefore >= calls, `${calls} claims have arrived`);
    releasedMs = performance.now();
    for (const { database } of servers) database.release();
    return await Promise.all(asked);
  });
  const statements = (await metricOf(servers, "holdfast_batch_rows_count")) - before;
  const winners = answers.filter((answer) => handleIn(answer) !== null);
  await endAndReplay(crowds, key, winners);
  const waiting = answers.filter(({ detail }) => detail.case === "inProgress").length;
  return { winners: winners.length, others: calls - winners.length - waiting, statements, ms };
}

async function arrived(crowds: readonly Crowd[]): Promise<number> {
  const labels = { grpc_method: "Claim" };
  const counts = await metricsOf(
    crowds.map(({ server }) => server),
    "grpc_server_started_total",
    labels,
  );
  return counts.reduce((sum, count) => sum + count, 0);
}

/** So that what the winner says is held against what others are told afterwards. */
async function endAndReplay(crowds: readonly Crowd[], key: Key, winners: readonly ClaimResponse[]): Promise<void> {
  const text = `${canaryOf("default")} won by ${winners.length}`;
  for (const winner of winners) {
    const handle = handleIn(winner);
    if (handle !== null)
      await crowds[0]
        ?.next()
        .complete(completeOf(handle, text))
        .catch(() => undefined);
  }
  const replays = Array.from({ length: REPLAYS }, async (_, i) =>
    crowds[i % crowds.length]?.next().claim(claimOf(key)),
  );
  for (const answer of await Promise.all(replays)) {
    if (answer === undefined || resultIn(answer) !== text) throw new Error(`not replayed: ${answer?.detail.case}`);
  }
  await crowds[0]?.next().getRecord({ key, includeResult: true });
}
