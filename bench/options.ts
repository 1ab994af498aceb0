import {
  aboveZero,
  chosen,
  type Destination,
  destinationOf,
  type Parsed,
  parse,
  type Run,
  SWITCH,
  TEXT,
  wholeOf,
} from "../proof/command-line.ts";
import type { Arm } from "./arms.ts";

export interface RunOptions extends Destination {
  /** In their order. */
  readonly arms: readonly Arm[];
  readonly rounds: number;
  readonly ms: number;
  readonly full: boolean;
  /** By name: they run however long they take. */
  readonly isChosen: boolean;
}

/** Fewer and shorter without `--full`: all short arms together are to stay below five minutes. */
export const SHORT = { rounds: 3, seconds: 0.6 } as const;
const FULL = { rounds: 5, seconds: 2 } as const;
const ROUNDS_MAX = 100;
const SECONDS_MAX = 60;

const FLAGS = {
  ...{ rounds: TEXT, seconds: TEXT, only: TEXT },
  ...{ full: SWITCH, json: SWITCH, out: TEXT, list: SWITCH },
};

export function parseOptions(
  args: readonly string[],
  arms: readonly Arm[],
): Parsed<Run<RunOptions> | { readonly kind: "list" }> {
  return parse({ args, flags: FLAGS }, ({ only, full = false, list, ...values }) => {
    if (list) return { kind: "list" };
    const usual = full ? FULL : SHORT;
    const options: RunOptions = {
      rounds: wholeOf("--rounds", values.rounds, [1, ROUNDS_MAX], usual.rounds),
      ms: aboveZero("--seconds", values.seconds, SECONDS_MAX, usual.seconds) * 1000,
      arms:
        only === undefined
          ? arms.filter(({ usualSeconds }) => full || usualSeconds !== null)
          : chosen(only, arms, "arm", ({ id }) => id),
      ...{ full, isChosen: only !== undefined, ...destinationOf(values) },
    };
    return { kind: "run", options };
  });
}

export const HELP = `Measures Holdfast on this machine, with clients, servers and Postgres on it. Ratios within one run are what counts.

usage: npm run bench -- [--full] [--only ARM,ARM] [--rounds N] [--seconds S] [--json] [--out FILE] [--list]

  --full         all arms, more rounds and longer ones; without it the short arms, in less than five minutes
  --only ARMS    only these, by name, and however long they take
  --rounds N     counted rounds, after one that warms up (default ${SHORT.rounds}, with --full ${FULL.rounds})
  --seconds S    how long one measurement of a rate takes (default ${SHORT.seconds}, with --full ${FULL.seconds})
  --json         one JSON object on standard output instead of a table
  --out FILE     write the JSON object to this file too
  --list         name the arms and end
  --help         this

Ends with 1 if a target is missed or was not measured, with 2 if an arm failed or nothing could run.
`;
