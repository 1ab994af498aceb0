import type { Prover } from "./options.ts";

export interface Line {
  readonly by: Prover;
  /** A scenario, or a mutant. */
  readonly name: string;
  readonly isMutant: boolean;
  readonly states: number;
  /** Transitions, also to states that were known. */
  readonly steps: number;
  readonly depth: number;
  readonly seconds: number;
  /** Of a scenario that every promise is kept, of a mutant that one is not. */
  readonly isProved: boolean;
  /** It could not be found out. */
  readonly isUndecided: boolean;
  readonly said: string;
  readonly trace: readonly string[];
}

export interface Report {
  readonly size: string;
  readonly lines: readonly Line[];
  /** Why TLC has not run; null if it has, or was not to. */
  readonly withoutTlc: string | null;
}

export function exitCodeOf({ lines, withoutTlc }: Report): number {
  if (lines.some(({ isProved, isUndecided }) => !isProved && !isUndecided)) return 1;
  if (lines.some(({ isUndecided }) => isUndecided)) return 2;
  return lines.length === 0 && withoutTlc !== null ? 2 : 0;
}

const COUNT = new Intl.NumberFormat("en-GB");

export function lineText({ name, states, steps, depth, seconds, said }: Line): string {
  const counts = `${COUNT.format(states).padStart(11)} states ${COUNT.format(steps).padStart(11)} steps`;
  return `  ${name.padEnd(12)}${counts}  depth ${String(depth).padStart(2)} ${seconds.toFixed(1).padStart(7)} s  ${said}`;
}

export function sumText(lines: readonly Line[]): string {
  const scenarios = lines.filter(({ isMutant }) => !isMutant);
  const mutants = lines.filter(({ isMutant }) => isMutant);
  const states = COUNT.format(scenarios.reduce((sum, line) => sum + line.states, 0));
  const kept = `${states} states in ${scenarios.length} scenarios, promises kept in ${countProved(scenarios)}`;
  return `  ${kept}${mutants.length > 0 ? `; ${countProved(mutants)} of ${mutants.length} mutants killed` : ""}`;
}

function countProved(lines: readonly Line[]): number {
  return lines.filter(({ isProved }) => isProved).length;
}
