import type { Explored } from "./explore.ts";
import { brokenBy, MUTANT_NAMES, type MutantName } from "./mutants.ts";
import type { Prover } from "./options.ts";
import type { Line } from "./report.ts";
import type { Sized } from "./scenarios.ts";
import { TLC_STATES } from "./tlc/documented.ts";
import type { Checked } from "./tlc/output.ts";
import type { Group } from "./tlc/run.ts";

/** How long it took is not said by what was found. */
export type Unfinished = Omit<Line, "seconds">;

/** Of the model as it is: every promise is kept, in as many states as documented. */
export function scenarioLine({ scenario, ...documented }: Sized, explored: Explored): Unfinished {
  const { states, steps, depth, violation } = explored;
  const isAsDocumented = states === documented.states && steps === documented.steps && depth === documented.depth;
  return {
    ...{ by: "explorer", name: scenario.name, isMutant: false, states, steps, depth, isUndecided: false },
    ...keptOr(violation?.promise ?? null, isAsDocumented, documented.states),
    trace: violation?.trace ?? [],
  };
}

export function mutantLine(name: MutantName, { states, steps, depth, violation }: Explored): Unfinished {
  return {
    ...{ by: "explorer", name, isMutant: true, states, steps, depth, isUndecided: false },
    ...killedOr(name, "explorer", violation),
    trace: violation?.trace ?? [],
  };
}

/** @param name of a configuration of the group */
export function checkedLine(name: string, group: Group, checked: Checked): Unfinished {
  const { generated, distinct, depth, verdict } = checked;
  const isMutant = group === "mutants";
  const line = { by: "tlc", name, isMutant, states: distinct, steps: generated, depth } as const;
  if (verdict.kind === "failed") {
    return { ...line, isProved: false, isUndecided: true, said: `UNDECIDED: ${verdict.why}`, trace: [] };
  }
  const violation = verdict.kind === "violated" ? verdict : null;
  const trace = violation?.trace ?? [];
  if (isMutant) return { ...line, ...killedOr(mutantOf(name), "tlc", violation), isUndecided: false, trace };
  const documented = TLC_STATES[group][name];
  const kept = keptOr(violation?.promise ?? null, distinct === documented, documented);
  return { ...line, ...kept, isUndecided: false, trace };
}

function keptOr(broken: string | null, isAsDocumented: boolean, documented: number | undefined) {
  if (broken !== null) return { isProved: false, said: `${broken} IS BROKEN` };
  if (isAsDocumented) return { isProved: true, said: "every promise kept" };
  const other = documented === undefined ? "and no count is documented" : `and documented are ${documented} states`;
  return { isProved: false, said: `every promise kept, ${other}: ANOTHER MODEL` };
}

function killedOr(
  name: MutantName,
  by: Prover,
  violation: (Pick<Line, "trace"> & { readonly promise: string }) | null,
) {
  if (violation === null) return { isProved: false, said: "LIVES" };
  const wanted = brokenBy(name, by);
  const killed = `killed by ${violation.promise}, after ${violation.trace.length} steps`;
  if (violation.promise === wanted) return { isProved: true, said: killed };
  return { isProved: false, said: `${killed}, BUT IT MUST BREAK ${wanted}` };
}

function mutantOf(name: string): MutantName {
  const found = MUTANT_NAMES.find((each) => each === name);
  if (found === undefined) throw new Error(`no mutant of the model is called ${name}`);
  return found;
}
