import { systemClock } from "../../../src/clock.ts";
import type { RecordKey } from "../../../src/domain/key.ts";
import type { Proof } from "../../../src/domain/record.ts";
import type { Session } from "../../../src/store/postgres/connection.ts";
import type { Stop } from "../../support/waiting.ts";
import { complete, freshKeys, hold, missing, type Server, seesEnd } from "./no-missed-wakeup-stand.ts";

/** Where it was forced into one order of events: how many trials really went that way, and how many missed the end. */
export interface Tally {
  readonly hit: number;
  readonly missed: number;
}

export interface Trial {
  readonly key: RecordKey;
  readonly proof: Proof;
}

export interface Stage {
  readonly waiter: Server;
  readonly completer: Server;
  /** A third party, who holds rows and looks on. */
  readonly other: Session;
}

/** Far more than anybody needs who has been told, on a machine that does much else. */
export const PATIENCE_MS = 10_000;

export async function held(store: Server, count: number, leaseMs?: number): Promise<readonly Trial[]> {
  const keys = freshKeys(count);
  return await Promise.all(keys.map(async (key) => ({ key, proof: await hold(store.dying, key, leaseMs) })));
}

async function tally(trials: readonly Promise<{ readonly isHit: boolean; readonly ended: Promise<unknown> }>[]) {
  const done = await Promise.all(trials);
  const missed = await missing(
    done.map(({ ended }) => ended),
    PATIENCE_MS,
  );
  return { hit: done.filter(({ isHit }) => isHit).length, missed };
}

/** The flag commits, then the end locks the row. */
export async function flagThenEnd({ waiter, completer }: Stage, count: number): Promise<Tally> {
  const trials = await held(completer, count);
  return await tally(
    trials.map(async ({ key, proof }) => {
      const stop = waiter.stops.stop("after", "watch", key);
      const ended = seesEnd(waiter, key);
      await stop.reached;
      const isHit = await complete(completer.store, key, proof);
      stop.go();
      return { isHit, ended };
    }),
  );
}

/** The end commits between the read and the flag. */
export async function endBetweenReadAndFlag({ waiter, completer }: Stage, count: number): Promise<Tally> {
  const trials = await held(completer, count);
  return await tally(
    trials.map(async ({ key, proof }) => {
      const stop = waiter.stops.stop("before", "watch", key);
      const ended = seesEnd(waiter, key);
      await stop.reached;
      const isFlagged = await complete(completer.store, key, proof);
      stop.go();
      return { isHit: !isFlagged, ended };
    }),
  );
}

const ROWS_HELD = 25;
const ROUNDS_MAX = 20;

/**
 * Flag and end meet at the row's lock, which somebody else holds until both wait for it; whoever waits first gets it
 * first. Some rows at a time. The statements lock one row after the other, so behind the first one of the batch one can
 * overtake the other: only the rows that really went this way are counted, and it is done again until they are enough.
 */
export async function meetAtTheLock(stage: Stage, first: "flag" | "end", count: number): Promise<Tally> {
  let [hit, missed] = [0, 0];
  for (let round = 0; round < ROUNDS_MAX && hit < count; round++) {
    const met = await meetOnce(stage, first);
    hit += met.hit;
    missed += met.missed;
  }
  return { hit, missed };
}

async function meetOnce({ waiter, completer, other }: Stage, first: "flag" | "end"): Promise<Tally> {
  const trials = await held(completer, ROWS_HELD);
  const stops = trials.map(({ key }) => waiter.stops.stop("before", "watch", key));
  const ends = trials.map(({ key }) => seesEnd(waiter, key));
  await Promise.all(stops.map(({ reached }) => reached));

  await sql(other, "begin");
  await other.query(
    {
      name: "test_hold_rows",
      text: "select from holdfast.record where scope = $1 and key = any ($2::text[]) order by key for no key update",
    },
    [trials[0]?.key.scope, trials.map(({ key }) => key.key)],
  );
  const flag = () => {
    for (const stop of stops) stop.go();
  };
  const end = () => Promise.all(trials.map(({ key, proof }) => complete(completer.store, key, proof)));
  let ending: Promise<boolean[]>;
  if (first === "flag") {
    flag();
    await blocked(other, 1);
    ending = end();
  } else {
    ending = end();
    await blocked(other, 2);
    flag();
  }
  // The flags travel in one statement, and the ends, by their keys, in two.
  await blocked(other, 3);
  await sql(other, "commit");
  const flagged = await ending;
  return {
    hit: flagged.filter((isFlagged) => isFlagged === (first === "flag")).length,
    missed: await missing(ends, PATIENCE_MS),
  };
}

/** The read saw the flag of another server, and the end commits right after. */
export async function flaggedElsewhere({ waiter, completer }: Stage, count: number): Promise<Tally> {
  const trials = await flagged(completer, count);
  return await tally(
    trials.map(async ({ key, proof }) => {
      const read = waiter.stops.stop("after", "peek", key);
      const unwanted = reachedBy(waiter.stops.stop("before", "watch", key));
      const ended = seesEnd(waiter, key);
      await read.reached;
      read.go();
      const isFlagged = await complete(completer.store, key, proof);
      return { isHit: isFlagged && !unwanted(), ended };
    }),
  );
}

/** The notification arrives before the read is sent. */
export async function notifiedBeforeRead({ waiter, completer }: Stage, count: number): Promise<Tally> {
  const trials = await flagged(completer, count);
  return await tally(
    trials.map(async ({ key, proof }) => {
      const heard = waiter.heard(key);
      const read = waiter.stops.stop("before", "peek", key);
      const ended = seesEnd(waiter, key);
      await read.reached;
      await complete(completer.store, key, proof);
      const isHit = (await heard) > 0;
      read.go();
      return { isHit, ended };
    }),
  );
}

/** The notification that tells of the end tells of others too, in one payload. */
export async function mergedNotification({ waiter, completer }: Stage, count: number): Promise<Tally> {
  const trials = await held(completer, count);
  const ends = await settledWaits(waiter, trials);
  const heard = Promise.all(trials.map(({ key }) => waiter.heard(key)));
  await Promise.all(trials.map(({ key, proof }) => complete(completer.store, key, proof)));
  const missed = await missing(ends, PATIENCE_MS);
  return { hit: (await heard).filter((records) => records > 1).length, missed };
}

/** A notification comes of a record that has not changed, and it ends after that. */
export async function falseNotification({ waiter, completer }: Stage, count: number): Promise<Tally> {
  const trials = await held(completer, count);
  await settledWaits(waiter, trials);
  return await tally(
    trials.map(async ({ key, proof }) => {
      const read = waiter.stops.stop("after", "peek", key);
      completer.cry(key);
      await read.reached;
      const ended = seesEnd(waiter, key);
      read.go();
      return { isHit: await complete(completer.store, key, proof), ended };
    }),
  );
}

/** Onlookers who have seen the record open and flagged. */
export async function settledWaits(waiter: Server, trials: readonly Trial[]): Promise<readonly Promise<void>[]> {
  const ends = trials.map(({ key }) => seesEnd(waiter, key));
  for (const { key } of trials) await until(async () => (await flagOf(waiter, key)) === true);
  return ends;
}

async function flagOf({ dying }: Server, key: RecordKey): Promise<boolean | undefined> {
  return (await dying.peek(key, Number.POSITIVE_INFINITY)).record?.hasWaiters;
}

async function flagged(completer: Server, count: number): Promise<readonly Trial[]> {
  const trials = await held(completer, count);
  const calls = trials.map(async ({ key, proof: { fence } }) => {
    await completer.dying.watch({ key, state: "in-progress", fence }, Number.POSITIVE_INFINITY);
  });
  await Promise.all(calls);
  return trials;
}

/** A stop that nothing should come to; lets it on. */
function reachedBy({ reached, go }: Stop): () => boolean {
  let isReached = false;
  void reached.then(() => {
    isReached = true;
    go();
  });
  return () => isReached;
}

export async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await holds())) await systemClock.sleep(5);
}

export async function sql(session: Session, text: string): Promise<void> {
  await session.query({ name: "", text }, []);
}

/** Resolves once so many sessions of this database wait for a lock. */
async function blocked(session: Session, count: number): Promise<void> {
  const text = `select count(*)::int as waiting from pg_stat_activity
    where datname = current_database() and cardinality(pg_blocking_pids(pid)) > 0`;
  await until(async () => {
    const [row] = await session.query<{ waiting: number }>({ name: "test_blocked", text }, []);
    return (row?.waiting ?? 0) >= count;
  });
}
