import { randomInt } from "node:crypto";
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
} from "../../proof/command-line.ts";
import { LANGUAGES, type Language } from "../drivers.ts";

export interface RaceArguments extends Destination {
  readonly languages: readonly Language[];
  readonly workers: number;
  readonly keys: number;
  readonly kills: number;
  readonly seed: number;
}

/** The smaller form. */
export const SHORT = { workers: 6, keys: 90, kills: 4 } as const;
const FULL = { workers: 8, keys: 1000, kills: 24 } as const;

const FLAGS = {
  short: SWITCH,
  workers: TEXT,
  keys: TEXT,
  kills: TEXT,
  only: TEXT,
  seed: TEXT,
  json: SWITCH,
  out: TEXT,
};

export function parseOptions(args: readonly string[]): Parsed<Run<RaceArguments>> {
  return parse({ args, flags: FLAGS }, ({ short = false, only, ...values }) => {
    const usual = short ? SHORT : FULL;
    const keys = wholeOf("--keys", values.keys, [1, 100_000], usual.keys);
    const kills = wholeOf("--kills", values.kills, [0, 1000], Math.min(usual.kills, keys - 1));
    if (kills >= keys) throw new Error(`--kills takes a number below that of --keys, which is ${keys}`);
    const options: RaceArguments = {
      languages: only === undefined ? LANGUAGES : chosen(only, LANGUAGES, "language", (language) => language),
      workers: wholeOf("--workers", values.workers, [2, 64], usual.workers),
      ...{ keys, kills },
      seed: wholeOf("--seed", values.seed, SEEDS, randomInt(2 ** 32)),
      ...destinationOf(values),
    };
    return { kind: "run", options };
  });
}

export const HELP = `Lets clients in several languages race for the same keys, kills them meanwhile, and counts how often work was done.

usage: node conformance/race.ts [--short] [--workers N] [--keys N] [--kills N] [--only LANGUAGE,…] [--seed S] [--json] [--out FILE]

  --short        ${SHORT.workers} workers, ${SHORT.keys} keys, ${SHORT.kills} kills
  --workers N    processes, of each language in turn (default ${FULL.workers})
  --keys N       each worker asks for each of them (default ${FULL.keys})
  --kills N      with SIGKILL, in the midst of an attempt: before the work, after it, or while it is told (default ${FULL.kills})
  --only L,L     only these languages: ${LANGUAGES.join(", ")}; one whose tools are not here is left out
  --seed S       in which order they ask (default: any; it is told)
  --json         one JSON object on standard output instead of text
  --out FILE     write the JSON object to this file too
  --help         this

Ends with 0 if the work of every key was done once and everybody got the same result, with 1 if not, with 2 if it could
not run.
`;
