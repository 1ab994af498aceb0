import { randomInt } from "node:crypto";
import {
  chosen,
  type Destination,
  destinationOf,
  type Parsed,
  parse,
  type Range,
  type Run,
  SEEDS,
  SWITCH,
  TEXT,
  wholeOf,
} from "../command-line.ts";
import type { Race, Sizes } from "./race.ts";

export interface RunOptions extends Destination {
  readonly races: readonly Race[];
  readonly size: Extract<keyof Sizes, "usual" | "full">;
  /** Null: as many as the size says. */
  readonly trials: number | null;
  readonly seed: number;
  readonly controls: boolean;
}

const FLAGS = { full: SWITCH, trials: TEXT, only: TEXT, seed: TEXT, controls: SWITCH, json: SWITCH, out: TEXT };
const TRIALS: Range = [100, 10_000_000];

export function parseOptions(args: readonly string[], races: readonly Race[]): Parsed<Run<RunOptions>> {
  return parse({ args, flags: FLAGS }, ({ full = false, trials, only, ...values }) => {
    if (full && trials !== undefined) throw new Error("--full and --trials say the same thing; give one of them");
    const options: RunOptions = {
      races: only === undefined ? races : chosen(only, races, "race", ({ name }) => name),
      size: full ? "full" : "usual",
      trials: wholeOf("--trials", trials, TRIALS, null),
      seed: wholeOf("--seed", values.seed, SEEDS, randomInt(2 ** 32)),
      controls: values.controls ?? false,
      ...destinationOf(values),
    };
    return { kind: "run", options };
  });
}

export function helpOf(races: readonly Race[]): string {
  const named = races.map(({ name, what }) => `  ${name.padEnd(24)}${what}`).join("\n");
  return `Lets two servers race for the same records of a real Postgres, again and again, and judges every trial.

usage: node proof/races/main.ts [--full | --trials N] [--only RACE,RACE] [--controls] [--seed S] [--json] [--out FILE]

  --full         as many trials as the report in docs/proof has: some minutes for each race
  --trials N     so many trials by chance in each race; orders that have to be forced are forced as often as usual
  --only RACES   only these, by name
  --controls     and each race with a part taken away, which it must find out
  --seed S       what is left to our own dice (default: any; it is told)
  --json         one JSON object on standard output instead of text
  --out FILE     write the JSON object to this file too
  --help         this

${named}

Ends with 0 if every promise held in every order, with 1 if one was broken, if an order came about too rarely to have been
exercised, or if a control lives, with 2 if it could not run.
`;
}
