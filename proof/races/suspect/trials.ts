import { systemClock } from "../../../src/clock.ts";
import type { StoredRecord } from "../../../src/domain/record.ts";
import { POLICY } from "../../../test/support/records.ts";
import type { Duel } from "../duel/judge.ts";
import { createLead } from "../duel/lead.ts";
import { play, type Step } from "../duel/steps.ts";
import type { Scene } from "../race.ts";
import { BATCH, holdAll, NEVER } from "../stand/records.ts";
import { isUnanswered, type Pair } from "../stand/stores.ts";
import { CALLS, type Call, moveOf, reconcile, UNKNOWN_BY, type UnknownBy, unknown } from "./moves.ts";

/** One call of the suspect, among a reconciler's claim and its verdict. */
export interface Trial {
  readonly call: Call;
  readonly verdict: Call;
  readonly unknownBy: UnknownBy;
  /** What the suspect races: the claim or, once that is answered, the verdict. */
  readonly at: "claim" | "verdict";
}

/** A record whose outcome is unknown at once, because its lease is over. */
export const LAPSED = { leaseMs: 1, policy: { ...POLICY, hold: true } } as const;

/** Ends more often than the rest: they are what counts whenever it comes. */
const SUSPECTS_CALLS: readonly Call[] = [...CALLS, "complete", "complete", "terminal", "terminal"];

/** Where the suspect's call came among the reconciler's two; null: nobody can tell, or nobody knows. */
export type Place = "first" | "between" | "last" | null;

export type Judge = (duel: Duel, trial: Trial) => Place;

/** Plays them all, in both orders about as often; tells how many could not be judged because a call was not answered. */
export async function raceSuspects(scene: Scene, pair: Pair, judge: Judge): Promise<number> {
  const { trials, chance, tally } = scene;
  const leads = { claim: createLead(0, 0.5), verdict: createLead(0, 0.5) };
  let [played, unanswered] = [0, 0];

  const playOne = async (held: StoredRecord, trial: Trial): Promise<Place> => {
    const before = await unknown(pair.a, held, trial.unknownBy);
    const leadMs = leads[trial.at].ms * chance.between(0, 2);
    const duel = await duelOf(pair, before, trial, leadMs);
    if (duel === null) unanswered++;
    return duel && judge(duel, trial);
  };

  const round = async () => {
    const count = Math.min(BATCH, trials - played);
    played += count;
    const all = await holdAll(pair.a, count, LAPSED);
    const plans = all.map((held, i) => {
      const [call, verdict, unknownBy] = [chance.pick(SUSPECTS_CALLS), chance.pick(CALLS), chance.pick(UNKNOWN_BY)];
      return { held, trial: { call, verdict, unknownBy, at: i % 2 === 0 ? "claim" : "verdict" } as const };
    });
    const places = await Promise.all(plans.map(({ held, trial }) => playOne(held, trial)));
    for (const at of ["claim", "verdict"] as const) {
      const told = places.filter((place, i) => place !== null && plans[i]?.trial.at === at);
      leads[at].learn(told.filter((place) => place === (at === "claim" ? "first" : "between")).length, told.length);
    }
  };

  // Two at once: while one prepares, the other races.
  const rounds = async () => {
    while (played < trials && !tally.isOver) await round();
  };
  await Promise.all([rounds(), rounds()]);
  return unanswered;
}

/** @param leadMs the suspect is let go so long before what it races; after it, if below 0 */
async function duelOf(pair: Pair, before: StoredRecord, trial: Trial, leadMs: number): Promise<Duel | null> {
  const { key, lease } = before;
  const claimed = Promise.withResolvers<void>();
  const isAtClaim = trial.at === "claim";

  const suspect = async (): Promise<readonly Step[]> => {
    if (!isAtClaim) await claimed.promise;
    if (leadMs < 0) await systemClock.sleep(-leadMs);
    return [await play(pair.a, moveOf(trial.call, key, lease))];
  };
  const reconciler = async (): Promise<readonly Step[]> => {
    if (isAtClaim && leadMs > 0) await systemClock.sleep(leadMs);
    const claim = await play(pair.b, reconcile(key)).finally(claimed.resolve);
    if (claim.kind !== "claim" || claim.answer.kind !== "acquired") return [claim];
    if (!isAtClaim && leadMs > 0) await systemClock.sleep(leadMs);
    return [claim, await play(pair.b, moveOf(trial.verdict, key, claim.answer.record.lease))];
  };

  try {
    const [a, b] = await Promise.all([suspect(), reconciler()]);
    const { record: after } = await pair.a.peek(key, NEVER);
    return { before, a, b, after };
  } catch (error) {
    if (isUnanswered(error)) return null;
    throw error;
  }
}
