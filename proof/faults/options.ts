import { parseArgs } from "node:util";
import type { Row } from "./row.ts";

export type Parsed =
  | { readonly kind: "run"; readonly options: RunOptions }
  | { readonly kind: "help" | "list" }
  /** Says which flag and what is allowed. */
  | { readonly kind: "refused"; readonly why: string };

export interface RunOptions {
  readonly rows: readonly Row[];
  readonly isFull: boolean;
  readonly seed: number;
  /** Null: as often as each row says. */
  readonly times: number | null;
  readonly json: boolean;
  readonly out: string | null;
  readonly keep: string | null;
  readonly controls: boolean;
}

const SEED_MAX = 2 ** 32 - 1;
const TIMES_MAX = 10_000_000;

const FLAGS = {
  only: { type: "string" },
  full: { type: "boolean" },
  short: { type: "boolean" },
  seed: { type: "string" },
  times: { type: "string" },
  json: { type: "boolean" },
  out: { type: "string" },
  keep: { type: "string" },
  controls: { type: "boolean" },
  list: { type: "boolean" },
  help: { type: "boolean", short: "h" },
} as const;

/** @param newSeed where none is named */
export function parseOptions(args: readonly string[], rows: readonly Row[], newSeed: () => number): Parsed {
  try {
    const { values } = parseArgs({ args: [...args], options: FLAGS, strict: true, allowPositionals: false });
    if (values.help) return { kind: "help" };
    if (values.list) return { kind: "list" };
    const { full: isFull = false, short = false, json = false, controls = false, out = null, keep = null } = values;
    if (isFull && short) throw new Error("--full and --short exclude each other");
    const options = {
      rows: values.only === undefined ? usual(rows, isFull) : chosen(values.only, rows),
      seed: values.seed === undefined ? newSeed() : wholeOf("--seed", values.seed, 0, SEED_MAX),
      times: values.times === undefined ? null : wholeOf("--times", values.times, 1, TIMES_MAX),
      ...{ isFull, json, out, keep, controls },
    };
    return { kind: "run", options };
  } catch (error) {
    return { kind: "refused", why: reasonOf(error) };
  }
}

/** How often a row is done: one that the short form leaves out is done once where it was asked for by its name. */
export function timesOf({ times }: Row, options: Pick<RunOptions, "isFull" | "times">): number {
  return options.times ?? (options.isFull ? times.full : (times.short ?? 1));
}

function usual(rows: readonly Row[], isFull: boolean): readonly Row[] {
  return rows.filter(({ times }) => isFull || times.short !== null);
}

function chosen(only: string, rows: readonly Row[]): readonly Row[] {
  const wanted = only.split(",").map((id) => id.trim());
  for (const id of wanted) {
    if (rows.some((row) => row.id === id)) continue;
    throw new Error(`--only knows no row "${id}"; there are ${rows.map(({ id }) => id).join(", ")}`);
  }
  return rows.filter(({ id }) => wanted.includes(id));
}

function wholeOf(flag: string, text: string, min: number, max: number): number {
  const value = Number(text);
  if (text.trim() !== "" && Number.isInteger(value) && value >= min && value <= max) return value;
  throw new Error(`${flag} takes a whole number from ${min} to ${max}`);
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

export const HELP = `Starts servers, Postgres and callers on this machine, does something bad to them, and judges what the callers were told.

usage: node proof/faults/main.ts [--full] [--only ROW,ROW] [--times N] [--seed N] [--controls] [--json] [--out FILE] [--keep DIR]

  --full        all rows, as often as they promise; hours
  --short       the rows that are quick, a few times each; a few minutes (default)
  --only ROWS   only these, by their ids
  --times N     how often each does what it does, instead
  --seed N      decides what callers and faults do, but not how processes get on with it (default: another one each time)
  --controls    runs each row once more, short, with something taken out without which it has to fail
  --json        one JSON object on standard output instead of a line for each row
  --out FILE    write the JSON object to this file too, after each row
  --keep DIR    keep the histories of rows that fail, for node proof/history/main.ts --visualize
  --list        name the rows and end
  --help        this

Ends with 0 if every row holds and every control fails, with 1 if not, with 2 if something could not run.
`;
