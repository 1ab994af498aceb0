import { oneOf, type Parsed, parse, SEEDS, SWITCH, TEXT, wholeOf } from "../command-line.ts";
import { MUTANTS, type Mutant } from "./mutants.ts";
import { WEATHERS, type WeatherName } from "./weather.ts";

export interface Wanted {
  readonly kind: "seeds" | "mutants" | "trace";
  readonly options: SeedsOptions;
}

export interface SeedsOptions {
  readonly from: number;
  readonly seeds: number;
  /** Null: as it is. */
  readonly mutant: Mutant | null;
  /** Null: whichever each seed has. */
  readonly weather: WeatherName | null;
  readonly json: boolean;
}

const IDS = MUTANTS.map(({ id }) => id);

export const HELP = `Simulates servers, their callers and their database under virtual time; the seed decides everything.

Usage: npm run sim -- [flags]

  --seeds N      how many seeds are run (1000)
  --from S       the first of them (1)
  --seed S       this one alone
  --trace        prints what happens in the one seed, step by step
  --weather W    only this weather: ${WEATHERS.join(", ")}
  --mutant M     with a fault in the code: ${IDS.join(", ")}
  --mutants      runs every mutant until a seed kills it, and prints which
  --json         prints one JSON object
  --help         prints this

A seed that fails is run again, exactly so, by --seed S --trace with the same flags.
Exits with 0 when no seed failed, with 1 when one did or a mutant lived, with 2 when it could not run.
`;

const FLAGS = {
  ...{ seeds: TEXT, from: TEXT, seed: TEXT, trace: SWITCH },
  ...{ weather: TEXT, mutant: TEXT, mutants: SWITCH, json: SWITCH },
};

const COUNT = 1_000;
const COUNT_MAX = 100_000_000;

export function parseOptions(args: readonly string[]): Parsed<Wanted> {
  return parse({ args, flags: FLAGS }, ({ trace = false, mutants = false, json = false, ...values }) => {
    const one = wholeOf("--seed", values.seed, SEEDS, null);
    const clash = clashOf({ ...values, trace, mutants });
    if (clash !== null) throw new Error(clash);
    const { mutant, weather } = values;
    const options: SeedsOptions = {
      from: one ?? wholeOf("--from", values.from, SEEDS, 1),
      seeds: one === null ? wholeOf("--seeds", values.seeds, [1, COUNT_MAX], COUNT) : 1,
      mutant: mutant === undefined ? null : mutantOf(mutant),
      weather: weather === undefined ? null : oneOf("--weather", weather, WEATHERS),
      json,
    };
    return { kind: mutants ? "mutants" : trace ? "trace" : "seeds", options };
  });
}

function mutantOf(text: string): Mutant | null {
  const id = oneOf("--mutant", text, IDS);
  return MUTANTS.find((mutant) => mutant.id === id) ?? null;
}

type Values = { readonly [flag: string]: string | boolean | undefined };

function clashOf({ seed, seeds, from, trace, mutants, mutant, weather }: Values): string | null {
  if (seed !== undefined && (seeds !== undefined || from !== undefined)) {
    return "--seed is one seed; it goes with neither --seeds nor --from";
  }
  if (trace && seed === undefined) return "--trace needs --seed: it prints one seed";
  if (mutants && (mutant !== undefined || weather !== undefined || seed !== undefined)) {
    return "--mutants runs each mutant in its own weather; it goes with --seeds, --from and --json only";
  }
  return null;
}
