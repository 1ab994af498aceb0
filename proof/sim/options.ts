import { parseArgs } from "node:util";
import { MUTANTS, type Mutant } from "./mutants.ts";
import { WEATHERS, type WeatherName } from "./weather.ts";

export type Parsed =
  | { readonly kind: "help" }
  | { readonly kind: "seeds" | "mutants"; readonly options: SeedsOptions }
  | { readonly kind: "trace"; readonly options: SeedsOptions }
  /** Says which flag and what is allowed. */
  | { readonly kind: "refused"; readonly why: string };

export interface SeedsOptions {
  readonly from: number;
  readonly seeds: number;
  /** Null: as it is. */
  readonly mutant: Mutant | null;
  /** Null: whichever each seed has. */
  readonly weather: WeatherName | null;
  readonly json: boolean;
}

export const HELP = `Simulates servers, their callers and their database under virtual time; the seed decides everything.

Usage: npm run sim -- [flags]

  --seeds N      how many seeds are run (1000)
  --from S       the first of them (1)
  --seed S       this one alone
  --trace        prints what happens in the one seed, step by step
  --weather W    only this weather: ${WEATHERS.join(", ")}
  --mutant M     with a fault in the code: ${MUTANTS.map(({ id }) => id).join(", ")}
  --mutants      runs every mutant until a seed kills it, and prints which
  --json         prints one JSON object
  --help         prints this

A seed that fails is run again, exactly so, by --seed S --trace with the same flags.
Exits with 0 when no seed failed, with 1 when one did or a mutant lived, with 2 when it could not run.
`;

const FLAGS = {
  seeds: { type: "string" },
  from: { type: "string" },
  seed: { type: "string" },
  trace: { type: "boolean" },
  weather: { type: "string" },
  mutant: { type: "string" },
  mutants: { type: "boolean" },
  json: { type: "boolean" },
  help: { type: "boolean", short: "h" },
} as const;

const SEEDS = 1_000;
const SEEDS_MAX = 100_000_000;
const SEED_MAX = 2 ** 32 - 1;

export function parseOptions(args: readonly string[]): Parsed {
  try {
    const { values } = parseArgs({ args: [...args], options: FLAGS, strict: true, allowPositionals: false });
    if (values.help) return { kind: "help" };
    const { trace = false, mutants = false, json = false } = values;
    const one = values.seed === undefined ? null : wholeOf("--seed", values.seed, 0, SEED_MAX);
    const clash = clashOf(values);
    if (clash !== null) throw new Error(clash);
    const options: SeedsOptions = {
      from: one ?? wholeOf("--from", values.from ?? "1", 0, SEED_MAX),
      seeds: one === null ? wholeOf("--seeds", values.seeds ?? `${SEEDS}`, 1, SEEDS_MAX) : 1,
      mutant: values.mutant === undefined ? null : mutantOf(values.mutant),
      weather: values.weather === undefined ? null : weatherOf(values.weather),
      json,
    };
    return { kind: mutants ? "mutants" : trace ? "trace" : "seeds", options };
  } catch (error) {
    return { kind: "refused", why: reasonOf(error) };
  }
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

function wholeOf(flag: string, text: string, min: number, max: number): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && value >= min && value <= max) return value;
  throw new Error(`${flag} takes a whole number from ${min} to ${max}`);
}

function mutantOf(id: string): Mutant {
  const found = MUTANTS.find((mutant) => mutant.id === id);
  if (found !== undefined) return found;
  throw new Error(`--mutant takes one of ${MUTANTS.map((mutant) => mutant.id).join(", ")}`);
}

function weatherOf(name: string): WeatherName {
  const found = WEATHERS.find((weather) => weather === name);
  if (found !== undefined) return found;
  throw new Error(`--weather takes one of ${WEATHERS.join(", ")}`);
}

/** What Node says of a flag that there is not, and which there are. */
function reasonOf(error: unknown): string {
  const { message, code = "" } = error as Error & { readonly code?: string };
  if (!code.startsWith("ERR_PARSE_ARGS")) return message;
  const [first = message] = message.split(". ");
  return `${first}; the flags are ${Object.keys(FLAGS)
    .map((flag) => `--${flag}`)
    .join(", ")}`;
}
