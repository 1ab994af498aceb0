import {
  chosen,
  type Destination,
  destinationOf,
  type Parsed,
  parse,
  type Run,
  SEEDS,
  SWITCH,
  TEXT,
  wholeOf,
} from "../command-line.ts";
import type { Row } from "./row.ts";

export interface RunOptions extends Destination {
  readonly rows: readonly Row[];
  readonly isFull: boolean;
  readonly seed: number;
  /** Null: as often as each row says. */
  readonly times: number | null;
  readonly keep: string | null;
  readonly controls: boolean;
}

const TIMES_MAX = 10_000_000;

const FLAGS = {
  ...{ only: TEXT, full: SWITCH, short: SWITCH, seed: TEXT, times: TEXT },
  ...{ json: SWITCH, out: TEXT, keep: TEXT, controls: SWITCH, list: SWITCH },
};

/** @param newSeed where none is named */
export function parseOptions(
  args: readonly string[],
  rows: readonly Row[],
  newSeed: () => number,
): Parsed<Run<RunOptions> | { readonly kind: "list" }> {
  return parse({ args, flags: FLAGS }, ({ only, full: isFull = false, short, list, ...values }) => {
    if (list) return { kind: "list" };
    if (isFull && short) throw new Error("--full and --short exclude each other");
    const options: RunOptions = {
      rows: only === undefined ? usual(rows, isFull) : chosen(only, rows, "row", ({ id }) => id),
      seed: wholeOf("--seed", values.seed, SEEDS, newSeed()),
      times: wholeOf("--times", values.times, [1, TIMES_MAX], null),
      ...{ isFull, keep: values.keep ?? null, controls: values.controls ?? false, ...destinationOf(values) },
    };
    return { kind: "run", options };
  });
}

/** How often a row is done: one that the short form leaves out is done once where it was asked for by its name. */
export function timesOf({ times }: Row, options: Pick<RunOptions, "isFull" | "times">): number {
  return options.times ?? (options.isFull ? times.full : (times.short ?? 1));
}

function usual(rows: readonly Row[], isFull: boolean): readonly Row[] {
  return rows.filter(({ times }) => isFull || times.short !== null);
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
