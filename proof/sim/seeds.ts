import { MUTANTS, type Mutant } from "./mutants.ts";
import type { SeedsOptions } from "./options.ts";
import { type Run, simulate } from "./run.ts";
import { type Counts, noCounts } from "./world.ts";

/** A seed in which something went wrong. */
export interface Failing {
  readonly seed: number;
  readonly weather: string;
  /** In virtual time. */
  readonly atMs: number;
  readonly fault: string;
}

export interface SeedsReport {
  readonly from: number;
  readonly seeds: number;
  readonly failing: readonly Failing[];
  readonly counts: Counts;
  readonly events: number;
  readonly virtualMs: number;
}

export interface MutantReport {
  readonly id: string;
  readonly name: string;
  readonly weather: string;
  /** Null: it lived. */
  readonly killed: Failing | null;
}

type Seeds = Pick<SeedsOptions, "from" | "seeds" | "mutant" | "weather">;

/** @param told of each seed that fails, when it does */
export async function runSeeds(
  options: Seeds,
  told: (failing: Failing) => void = () => undefined,
): Promise<SeedsReport> {
  const { from, seeds } = options;
  const failing: Failing[] = [];
  const counts = noCounts();
  let [events, virtualMs] = [0, 0];
  for (let seed = from; seed < from + seeds; seed++) {
    const run = await runOne(seed, options);
    for (const name of Object.keys(counts) as (keyof Counts)[]) counts[name] += run.counts[name];
    events += run.events;
    virtualMs += run.ms;
    const failed = failingOf(run);
    if (failed === null) continue;
    failing.push(failed);
    told(failed);
  }
  return { from, seeds, failing, counts, events, virtualMs };
}

export function runOne(
  seed: number,
  { mutant, weather }: Pick<SeedsOptions, "mutant" | "weather">,
  isTraced = false,
): Promise<Run> {
  return simulate(seed, {
    mutation: mutant?.mutation ?? {},
    weather: weather ?? mutant?.weather ?? null,
    isTraced,
  });
}

/** The first seed that kills a mutant; null when none of them does. */
export async function firstKill(
  mutant: Mutant,
  { from, seeds }: Pick<Seeds, "from" | "seeds">,
): Promise<Failing | null> {
  for (let seed = from; seed < from + seeds; seed++) {
    const failed = failingOf(await runOne(seed, { mutant, weather: null }));
    if (failed !== null) return failed;
  }
  return null;
}

/** @param told of each mutant, when it has been killed or has lived through all seeds */
export async function runMutants(
  options: Pick<Seeds, "from" | "seeds">,
  told: (report: MutantReport) => void = () => undefined,
): Promise<readonly MutantReport[]> {
  const reports: MutantReport[] = [];
  for (const mutant of MUTANTS) {
    const { id, name, weather = "any" } = mutant;
    const report = { id, name, weather, killed: await firstKill(mutant, options) };
    reports.push(report);
    told(report);
  }
  return reports;
}

function failingOf({ seed, weather, ms, fault }: Run): Failing | null {
  return fault === null ? null : { seed, weather, atMs: ms, fault };
}
