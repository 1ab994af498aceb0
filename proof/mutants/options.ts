import { type Destination, destinationOf, type Parsed, parse, type Run, SWITCH, TEXT } from "../command-line.ts";
import { MUTANTS } from "./mutants.ts";

export interface RunOptions extends Destination {
  /** Ids of mutants; null: all of them. */
  readonly only: readonly string[] | null;
  /** Whether each check is seen to pass without a mutant first. */
  readonly honest: boolean;
}

export const HELP = `Takes out of the service, one at a time, what its promises hang on, and runs the checks that must notice.

Usage: node proof/mutants/main.ts [flags]

  --only M3,M4   only these mutants; the flag may be repeated
  --no-honest    does not see first that each check passes where nothing is taken out
  --json         prints one JSON object instead of the table
  --out FILE     writes that object into FILE too
  --help         prints this

Mutants: ${MUTANTS.map(({ id }) => id).join(", ")}

Each runs in a copy of the tree below the directory for temporary files. It takes ten minutes of one core.
Exits with 0 when every check has killed its mutant, with 1 when a mutant has survived one, with 2 when one could not run.
`;

const FLAGS = { only: { ...TEXT, multiple: true }, "no-honest": SWITCH, json: SWITCH, out: TEXT } as const;

export function parseOptions(args: readonly string[]): Parsed<Run<RunOptions>> {
  return parse({ args, flags: FLAGS }, ({ only, "no-honest": isTrusted = false, ...values }) => {
    const ids = only?.flatMap((list) => list.split(",")).map(mutantOf) ?? null;
    return { kind: "run", options: { only: ids, honest: !isTrusted, ...destinationOf(values) } };
  });
}

function mutantOf(id: string): string {
  if (MUTANTS.some((mutant) => mutant.id === id)) return id;
  throw new Error(
    `--only takes ids of mutants, such as M3,M4; they are ${MUTANTS.map((mutant) => mutant.id).join(", ")}`,
  );
}
