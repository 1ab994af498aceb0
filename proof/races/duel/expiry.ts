import { addMs, msBetween } from "../../../src/domain/instant.ts";
import type { StoredRecord } from "../../../src/domain/record.ts";
import type { Scene } from "../race.ts";
import { databaseTime } from "../stand/database-time.ts";
import { holdAll } from "../stand/records.ts";
import { openPair, type Pair } from "../stand/stores.ts";
import type { Duel } from "./judge.ts";
import { createLead } from "./lead.ts";
import { duelOf, meetAtTheLock } from "./meeting.ts";
import { type Move, play } from "./steps.ts";

/** Two calls about a lease that runs out, each through a server of its own. */
export interface AroundExpiry {
  /** The holder's. */
  readonly a: (held: StoredRecord) => Move;
  /** The stranger's, who wants the record when the lease is over. */
  readonly b: (held: StoredRecord) => Move;
  /** Judges the trial, and counts it. True: the stranger has it. */
  readonly judge: (duel: Duel) => boolean;
  /** The same where the two met at the row's lock: who came first. */
  readonly judgeMeeting: (duel: Duel) => "a" | "b";
}

/** Both are let go at the end of the lease, this much before or after it. */
const AROUND_MS = 5;
const LEASE_MS = 60;
/** Small, so that statements are short, and both sides come close to each other. */
const AT_ONCE = 32;
/** Of all trials the stranger is to win so many; half of them are let go before the lease is over. */
const STRANGERS_SHARE = 0.35;

export async function raceAroundExpiry(scene: Scene, race: AroundExpiry): Promise<void> {
  await using pair = await openPair(scene.url, scene.mutation);
  const prepare = (count: number) => holdAll(pair.a, count, { leaseMs: 1 });
  await meetAtTheLock(scene, pair, { ...race, prepare, judge: race.judgeMeeting });
  await raceFreely(scene, pair, race);
}

async function raceFreely({ trials, chance, tally }: Scene, pair: Pair, race: AroundExpiry): Promise<void> {
  const at = await databaseTime(pair.other);
  const lead = createLead(4, STRANGERS_SHARE);
  let [played, unanswered, near] = [0, 0, 0];

  const trial = async (held: StoredRecord): Promise<boolean | null> => {
    const releaseAt = addMs(held.due, chance.between(-AROUND_MS, AROUND_MS));
    const leadMs = lead.ms * chance.between(0, 2);
    const left = at(addMs(releaseAt, Math.max(0, leadMs))).then(() => play(pair.a, race.a(held)));
    const right = at(addMs(releaseAt, Math.max(0, -leadMs))).then(() => play(pair.b, race.b(held)));
    const duel = await duelOf(pair, held, left, right);
    if (duel !== null && gapMs(duel) <= AROUND_MS) near++;
    return duel && race.judge(duel);
  };

  const round = async () => {
    const count = Math.min(AT_ONCE, trials - played);
    played += count;
    const held = await holdAll(pair.a, count, { leaseMs: LEASE_MS });
    const won = await Promise.all(held.map(trial));
    unanswered += won.filter((isWon) => isWon === null).length;
    lead.learn(won.filter((isWon) => isWon === true).length, count);
  };

  // Two at once: while one prepares, the other races.
  const rounds = async () => {
    while (played < trials && !tally.isOver) await round();
  };
  await Promise.all([rounds(), rounds()]);
  tally.figure(`free trials decided within ${AROUND_MS} ms of each other`, near);
  tally.figure("the stranger's lead at the end, in ms", lead.ms);
  tally.unanswered(unanswered, played);
}

/** By the database's clock, from what it said to the one to what it said to the other. */
function gapMs({ a: [a], b: [b] }: Duel): number {
  return a === undefined || b === undefined ? Number.NaN : Math.abs(msBetween(a.answer.now, b.answer.now));
}
