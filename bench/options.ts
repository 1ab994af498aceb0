import { parseArgs } from "node:util";
import type { Arm } from "./arms.ts";

export type Parsed =
  | { readonly kind: "run"; readonly options: RunOptions }
  | { readonly kind: "help" | "list" }
  /** Says which flag and what is allowed. */
  | { readonly kind: "refused"; readonly why: string };

export interface RunOptions {
  /** In their order. */
  readonly arms: readonly Arm[];
  readonly rounds: number;
  readonly ms: number;
  readonly full: boolean;
  readonly json: boolean;
  readonly out: string | null;
  /** By name: they run however long they take. */
  readonly isChosen: boolean;
}

/** Fewer and shorter without `--full`: all short arms together are to stay below five minutes. */
export const SHORT = { rounds: 3, seconds: 0.6 } as const;
const FULL = { rounds: 5, seconds: 2 } as const;
const ROUNDS_MAX = 100;
const SECONDS_MAX = 60;

const FLAGS = {
  rounds: { type: "string" },
  seconds: { type: "string" },
  only: { type: "string" },
  full: { type: "boolean" },
  json: { type: "boolean" },
  out: { type: "string" },
  list: { type: "boolean" },
  help: { type: "boolean", short: "h" },
} as const;

export function parseOptions(args: readonly string[], arms: readonly Arm[]): Parsed {
  try {
    const { values } = parseArgs({ args: [...args], options: FLAGS, strict: true, allowPositionals: false });
    if (values.help) return { kind: "help" };
    if (values.list) return { kind: "list" };
    const full = values.full ?? false;
    const usual = full ? FULL : SHORT;
    const rounds = numberOf("--rounds", values.rounds, usual.rounds, ROUNDS_MAX);
    if (!Number.isInteger(rounds)) throw new Error(`--rounds takes a whole number from 1 to ${ROUNDS_MAX}`);
    const seconds = numberOf("--seconds", values.seconds, usual.seconds, SECONDS_MAX);
    const options = {
      ...{ rounds, full, ms: seconds * 1000 },
      arms:
        values.only === undefined
          ? arms.filter(({ usualSeconds }) => full || usualSeconds !== null)
          : chosen(values.only, arms),
      json: values.json ?? false,
      out: values.out ?? null,
      isChosen: values.only !== undefined,
    };
    return { kind: "run", options };
  } catch (error) {
    return { kind: "refused", why: reasonOf(error) };
  }
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

function numberOf(flag: string, text: string | undefined, usual: number, max: number): number {
  if (text === undefined) return usual;
  const value = Number(text);
  if (text.trim() !== "" && value > 0 && value <= max) return value;
  throw new Error(
    flag === "--rounds"
      ? `--rounds takes a whole number from 1 to ${max}`
      : `${flag} takes a number above 0, up to ${max}`,
  );
}

function chosen(only: string, arms: readonly Arm[]): readonly Arm[] {
  const wanted = only.split(",").map((id) => id.trim());
  for (const id of wanted) {
    if (arms.some((arm) => arm.id === id)) continue;
    throw new Error(`--only knows no arm "${id}"; there are ${arms.map(({ id }) => id).join(", ")}`);
  }
  return arms.filter(({ id }) => wanted.includes(id));
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
