import { createChance } from "../sim/chance.ts";
import { type Control, type Order, type Race, SHARE_MIN, type Sizes } from "./race.ts";
import type { ControlReport, OrderReport, RaceReport } from "./report.ts";
import { createTally, type Tally } from "./tally.ts";

export interface RunDeps {
  readonly url: string;
  readonly seed: number;
  readonly size: keyof Sizes;
  /** Instead of the size's. */
  readonly trials: number | null;
  /** Who waits must have been told by the backstop by then; Infinity where nothing is said of times. */
  readonly boundMs: number;
}

/** A hundred are as good as all: what is wrong by then is known. */
const VIOLATIONS_MAX = 100;
const PATIENCE_MS = 10_000;
/** A control is to be missed by somebody, which is waited for. */
const CONTROL_PATIENCE_MS = 3_000;
/** Backstop, 1.2 s, and what the statement that reads takes on a machine that does much else. */
export const BOUND_MS = 1_500;

export async function runRace(race: Race, deps: RunDeps): Promise<RaceReport> {
  const { url, seed, size, boundMs } = deps;
  const [trials, forced] = [deps.trials ?? race.trials[size], race.forced[size]];
  const tally = createTally(VIOLATIONS_MAX);
  const beganMs = performance.now();
  await race.run({
    ...{ url, trials, forced, boundMs, tally, chance: createChance(seed) },
    ...{ mutation: null, patienceMs: PATIENCE_MS },
  });
  const seconds = (performance.now() - beganMs) / 1000;
  const orders = race.orders.map((order) => orderReport(order, race, tally, forced));
  const { violations, examples, spoilt, figures } = tally;
  const isExercised = spoilt.length === 0 && orders.every(({ isEnough }) => isEnough);
  return {
    ...{ name: race.name, what: race.what, seed, trials: sumOf(tally.counts.values()), seconds, orders },
    ...{ violations, examples, spoilt, figures, controls: [] },
    verdict: violations > 0 ? "violated" : isExercised ? "held" : "not exercised",
  };
}

function orderReport({ name, by, shareMin = SHARE_MIN }: Order, race: Race, tally: Tally, forced: number): OrderReport {
  const count = tally.counts.get(name) ?? 0;
  if (by === "force") return { name, by, count, share: null, least: forced, isEnough: count >= forced };
  const free = race.orders.filter((order) => order.by === "chance");
  const all = sumOf(free.map((order) => tally.counts.get(order.name) ?? 0));
  // An order that nobody has seen was not tried, however rare it may be.
  const least = Math.max(1, Math.ceil(all * shareMin));
  return { name, by, count, share: all === 0 ? 0 : count / all, least, isEnough: count >= least };
}

/** With a part taken away: the race has to find out. */
export async function runControl(race: Race, control: Control, deps: RunDeps): Promise<ControlReport> {
  const { url, seed, boundMs } = deps;
  const tally = createTally(1);
  await race.run({
    ...{ url, boundMs, tally, chance: createChance(seed) },
    ...{ trials: race.trials.usual, forced: race.forced.short },
    ...{ mutation: control.mutation, patienceMs: CONTROL_PATIENCE_MS },
  });
  const { name, what } = control;
  return { name, what, trials: sumOf(tally.counts.values()), killedBy: tally.examples[0] ?? null };
}

function sumOf(numbers: Iterable<number>): number {
  let sum = 0;
  for (const number of numbers) sum += number;
  return sum;
}
