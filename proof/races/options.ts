import { randomInt } from "node:crypto";
import { parseArgs } from "node:util";
import type { Race, Sizes } from "./race.ts";

export type Parsed =
  | { readonly kind: "run"; readonly options: RunOptions }
  | { readonly kind: "help" }
  /** Says which flag and what is allowed. */
  | { readonly kind: "refused"; readonly why: string };

export interface RunOptions {
  readonly races: readonly Race[];
  readonly size: Extract<keyof Sizes, "usual" | "full">;
  /** Null: as many as the size says. */
  readonly trials: number | null;
  readonly seed: number;
  readonly controls: boolean;
  readonly json: boolean;
  readonly out: string | null;
}

const FLAGS = {
  full: { type: "boolean" },
  trials: { type: "string" },
  only: { type: "string" },
  seed: { type: "string" },
  controls: { type: "boolean" },
  json: { type: "boolean" },
  out: { type: "string" },
  help: { type: "boolean", short: "h" },
} as const;

const TRIALS_MAX = 10_000_000;
const SEED_MAX = 2 ** 32 - 1;

export function parseOptions(args: readonly string[], races: readonly Race[]): Parsed {
  try {
    const { values } = parseArgs({ args: [...args], options: FLAGS, strict: true, allowPositionals: false });
    if (values.help) return { kind: "help" };
    const { full = false, controls = false, json = false, out = null } = values;
    if (full && values.trials !== undefined)
      throw new Error("--full and --trials say the same thing; give one of them");
    if (out === "") throw new Error("--out takes the name of a file");
    const options: RunOptions = {
      races: values.only === undefined ? races : chosen(values.only, races),
      size: full ? "full" : "usual",
      trials: values.trials === undefined ? null : wholeOf("--trials", values.trials, 100, TRIALS_MAX),
      seed: values.seed === undefined ? randomInt(SEED_MAX) : wholeOf("--seed", values.seed, 0, SEED_MAX),
      ...{ controls, json, out },
    };
    return { kind: "run", options };
  } catch (error) {
    return { kind: "refused", why: reasonOf(error) };
  }
}

function wholeOf(flag: string, text: string, min: number, max: number): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && value >= min && value <= max) return value;
  throw new Error(`${flag} takes a whole number from ${min} to ${max}`);
}

function chosen(only: string, races: readonly Race[]): readonly Race[] {
  const wanted = only.split(",").map((name) => name.trim());
  for (const name of wanted) {
    if (races.some((race) => race.name === name)) continue;
    throw new Error(`--only knows no race "${name}"; there are ${races.map((race) => race.name).join(", ")}`);
  }
  return races.filter(({ name }) => wanted.includes(name));
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
