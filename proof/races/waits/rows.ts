import type { StoredRecord } from "../../../src/domain/record.ts";
import type { Session } from "../../../src/store/postgres/connection.ts";
import type { Stop } from "../../../test/support/waiting.ts";
import { complete, flag, missing, seesEnd, settledWaits } from "../stand/onlookers.ts";
import { holdAll } from "../stand/records.ts";
import { whileHeld } from "../stand/rows.ts";
import type { Server } from "../stand/server.ts";

/** Where trials were forced into one order of events: how many really went that way, and how many missed the end. */
export interface Forced {
  readonly hit: number;
  readonly missed: number;
}

export interface Stage {
  readonly waiter: Server;
  readonly completer: Server;
  /** A third party, who holds rows. */
  readonly other: Session;
  readonly patienceMs: number;
}

export interface Row {
  readonly name: string;
  play(stage: Stage, count: number): Promise<Forced>;
}

/** Every order of events that storage and notification allow while nothing breaks. */
export const ROWS: readonly Row[] = [
  { name: "the flag commits, then the end", play: flagThenEnd },
  { name: "the end commits between the reading and the flag", play: endBetweenReadingAndFlag },
  { name: "the end waits for the lock of the flag", play: (stage, count) => meetAtTheLock(stage, "flag", count) },
  { name: "the flag waits for the lock of the end", play: (stage, count) => meetAtTheLock(stage, "end", count) },
  { name: "the reading sees another server's flag, and the end commits right after", play: flaggedElsewhere },
  { name: "the notification comes before the reading", play: notifiedBeforeReading },
  { name: "the notification tells of others too", play: mergedNotification },
  { name: "a notification came of no change", play: falseNotification },
];

type Trial = (record: StoredRecord) => Promise<{ readonly isHit: boolean; readonly ended: Promise<unknown> }>;

async function force({ patienceMs }: Stage, records: readonly StoredRecord[], trial: Trial): Promise<Forced> {
  const done = await Promise.all(records.map(trial));
  const ends = done.map(({ ended }) => ended);
  return { hit: done.filter(({ isHit }) => isHit).length, missed: await missing(ends, patienceMs) };
}

async function flagThenEnd(stage: Stage, count: number): Promise<Forced> {
  const { waiter, completer } = stage;
  return force(stage, await holdAll(completer.dying, count), async (record) => {
    const stop = waiter.stops.stop("after", "watch", record.key);
    const ended = seesEnd(waiter, record.key);
    await stop.reached;
    const isHit = await complete(completer.store, record);
    stop.go();
    return { isHit, ended };
  });
}

async function endBetweenReadingAndFlag(stage: Stage, count: number): Promise<Forced> {
  const { waiter, completer } = stage;
  return force(stage, await holdAll(completer.dying, count), async (record) => {
    const stop = waiter.stops.stop("before", "watch", record.key);
    const ended = seesEnd(waiter, record.key);
    await stop.reached;
    const isFlagged = await complete(completer.store, record);
    stop.go();
    return { isHit: !isFlagged, ended };
  });
}

const AT_ONCE = 25;
const ROUNDS_MAX = 200;

/**
 * Flag and end meet at the row's lock, which somebody else holds until both wait for it; whoever waits first gets it
 * first. The statements lock one row after the other, so behind the first one of the batch one can overtake the other:
 * only the rows that really went this way are counted, and it is done again until they are enough.
 */
async function meetAtTheLock(stage: Stage, first: "flag" | "end", count: number): Promise<Forced> {
  let [hit, missed] = [0, 0];
  for (let round = 0; round < ROUNDS_MAX && hit < count && missed === 0; round++) {
    const met = await meetOnce(stage, first);
    hit += met.hit;
    missed += met.missed;
  }
  return { hit, missed };
}

async function meetOnce({ waiter, completer, other, patienceMs }: Stage, first: "flag" | "end"): Promise<Forced> {
  const records = await holdAll(completer.dying, AT_ONCE);
  const stops = records.map(({ key }) => waiter.stops.stop("before", "watch", key));
  const ends = records.map(({ key }) => seesEnd(waiter, key));
  await Promise.all(stops.map(({ reached }) => reached));

  let ending: Promise<boolean[]> = Promise.resolve([]);
  const keys = records.map(({ key }) => key);
  await whileHeld(other, keys, async (blocked) => {
    const flags = () => {
      for (const stop of stops) stop.go();
    };
    const end = () => {
      ending = Promise.all(records.map((record) => complete(completer.store, record)));
      ending.catch(() => undefined);
    };
    // The flags travel in one statement, and the ends, by their keys, in two.
    if (first === "flag") {
      flags();
      await blocked(1);
      end();
    } else {
      end();
      await blocked(2);
      flags();
    }
    await blocked(3);
  });
  const flagged = await ending;
  return {
    hit: flagged.filter((isFlagged) => isFlagged === (first === "flag")).length,
    missed: await missing(ends, patienceMs),
  };
}

async function flaggedElsewhere(stage: Stage, count: number): Promise<Forced> {
  const { waiter, completer } = stage;
  const records = await holdAll(completer.dying, count);
  await flag(completer.dying, records);
  return force(stage, records, async (record) => {
    const read = waiter.stops.stop("after", "peek", record.key);
    const unwanted = reachedBy(waiter.stops.stop("before", "watch", record.key));
    const ended = seesEnd(waiter, record.key);
    await read.reached;
    read.go();
    const isFlagged = await complete(completer.store, record);
    return { isHit: isFlagged && !unwanted(), ended };
  });
}

async function notifiedBeforeReading(stage: Stage, count: number): Promise<Forced> {
  const { waiter, completer } = stage;
  const records = await holdAll(completer.dying, count);
  await flag(completer.dying, records);
  return force(stage, records, async (record) => {
    const heard = waiter.heard(record.key);
    const read = waiter.stops.stop("before", "peek", record.key);
    const ended = seesEnd(waiter, record.key);
    await read.reached;
    await complete(completer.store, record);
    const isHit = (await heard) > 0;
    read.go();
    return { isHit, ended };
  });
}

async function mergedNotification({ waiter, completer, patienceMs }: Stage, count: number): Promise<Forced> {
  const records = await holdAll(completer.dying, count);
  const ends = await settledWaits(waiter, records);
  const heard = Promise.all(records.map(({ key }) => waiter.heard(key)));
  await Promise.all(records.map((record) => complete(completer.store, record)));
  const missed = await missing(ends, patienceMs);
  // Who was told of nothing has heard nothing either.
  const merged = missed > 0 ? [] : await heard;
  return { hit: merged.filter((told) => told > 1).length, missed };
}

async function falseNotification(stage: Stage, count: number): Promise<Forced> {
  const { waiter, completer } = stage;
  const records = await holdAll(completer.dying, count);
  const ends = await settledWaits(waiter, records);
  return force(stage, records, async (record) => {
    const read = waiter.stops.stop("after", "peek", record.key);
    completer.cry(record.key);
    await read.reached;
    const ended = Promise.all([seesEnd(waiter, record.key), ends[records.indexOf(record)]]);
    read.go();
    return { isHit: await complete(completer.store, record), ended };
  });
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
