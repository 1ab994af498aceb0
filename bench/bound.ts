import type { Arm } from "./arms.ts";
import { type RunOptions, SHORT } from "./options.ts";

/** The whole of the short arms, unless somebody chose among them or asked for all. */
const ALL_MS = 300_000;

export interface Passed {
  readonly ms: number;
  /** What the arms that ran usually take. */
  readonly usualSeconds: number;
}

/**
 * Whether an arm may begin: whether what it takes is left. That is what it usually takes, longer by what `--rounds` and
 * `--seconds` ask for, or by as much as those before it took longer, for they ran on the same machine.
 */
export function leftFor(
  { usualSeconds }: Pick<Arm, "usualSeconds">,
  { full, isChosen, rounds, ms }: Pick<RunOptions, "full" | "isChosen" | "rounds" | "ms">,
  passed: Passed,
): boolean {
  if (full || isChosen || usualSeconds === null) return true;
  const asked = (rounds * ms) / (SHORT.rounds * SHORT.seconds * 1000);
  const slower = passed.usualSeconds === 0 ? 1 : passed.ms / (passed.usualSeconds * 1000);
  return passed.ms + usualSeconds * 1000 * Math.max(1, asked, slower) <= ALL_MS;
}
