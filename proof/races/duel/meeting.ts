import type { StoredRecord } from "../../../src/domain/record.ts";
import type { Scene } from "../race.ts";
import { NEVER } from "../stand/records.ts";
import { whileHeld } from "../stand/rows.ts";
import { isUnanswered, type Pair } from "../stand/stores.ts";
import type { Duel } from "./judge.ts";
import { type Move, play, type Step } from "./steps.ts";

/** Two calls about one record that come to its row's lock at the same time. */
export interface Meeting {
  readonly a: (record: StoredRecord) => Move;
  readonly b: (record: StoredRecord) => Move;
  readonly prepare: (count: number) => Promise<readonly StoredRecord[]>;
  /** Judges and counts; true: this side came first. */
  readonly judge: (duel: Duel) => "a" | "b";
  /** Connections that calls of the first side travel on; 2 unless told. */
  readonly lanesOfA?: number;
}

/** So many records at a time: one statement for each lane of a server, and surely some for each of its two. */
const AT_ONCE = 128;
const AT_ONCE_MIN = 32;
const LANES = 2;
const ROUNDS_MAX = 50;

/**
 * Both wait for the lock, which somebody else holds; whoever waits first gets it first. A statement locks one row after
 * the other, so where one side has fewer connections than the other, behind the first row it can be overtaken: it goes on
 * until each side has been first `forced` times.
 */
export async function meetAtTheLock({ forced, tally }: Scene, pair: Pair, meeting: Meeting): Promise<void> {
  for (const first of ["a", "b"] as const) {
    for (let left = forced, rounds = 0; left > 0 && rounds < ROUNDS_MAX && !tally.isOver; rounds++) {
      const records = await meeting.prepare(Math.max(AT_ONCE_MIN, Math.min(AT_ONCE, left)));
      for (const duel of await meetOnce(pair, records, meeting, first)) {
        if (duel !== null && meeting.judge(duel) === first) left--;
      }
    }
  }
}

async function meetOnce(
  pair: Pair,
  records: readonly StoredRecord[],
  meeting: Meeting,
  first: "a" | "b",
): Promise<readonly (Duel | null)[]> {
  let duels: readonly Promise<Duel | null>[] = [];
  const keys = records.map(({ key }) => key);
  await whileHeld(pair.other, keys, async (blocked) => {
    const left = () => records.map((record) => quietly(play(pair.a, meeting.a(record))));
    const right = () => records.map((record) => quietly(play(pair.b, meeting.b(record))));
    const { lanesOfA = LANES } = meeting;
    const early = first === "a" ? left() : right();
    await blocked(first === "a" ? lanesOfA : LANES);
    const late = first === "a" ? right() : left();
    await blocked(lanesOfA + LANES);
    const [lefts, rights] = first === "a" ? [early, late] : [late, early];
    duels = records.map((record, i) => duelOf(pair, record, lefts[i], rights[i]));
  });
  return Promise.all(duels);
}

/** Somebody asks for it later. */
function quietly<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => undefined);
  return promise;
}

/** Null: a call was not answered, so there is nothing to judge. */
export async function duelOf(
  { a: store }: Pair,
  before: StoredRecord,
  left: Promise<Step> | undefined,
  right: Promise<Step> | undefined,
): Promise<Duel | null> {
  try {
    const [a, b] = await Promise.all([left, right]);
    if (a === undefined || b === undefined) throw new Error("bug: a duel without a side");
    const { record: after } = await store.peek(before.key, NEVER);
    return { before, a: [a], b: [b], after };
  } catch (error) {
    if (isUnanswered(error)) return null;
    throw error;
  }
}
