import {
  type Destination,
  destinationOf,
  oneOf,
  type Parsed,
  parse,
  type Run,
  SEEDS,
  SWITCH,
  TEXT,
  wholeOf,
} from "../command-line.ts";
import { ATTACKS } from "./frames/attacks.ts";

export interface HostileOptions extends Destination {
  readonly seed: number;
  /** Null: every one. Else `messages`, `frames`, or one attack of `frames` by its name. */
  readonly only: string | null;
  /** The first input of `messages`, or round of an attack. */
  readonly from: number;
  /** How much of each: for so long, or so many inputs and rounds. */
  readonly extent: Extent;
}

export type Extent =
  | { readonly kind: "seconds"; readonly seconds: number }
  | { readonly kind: "runs"; readonly runs: number };

const SECONDS = 10;
const SECONDS_MAX = 86_400;
const RUNS_MAX = 100_000_000;

export const PARTS: readonly string[] = ["messages", "frames", ...ATTACKS.map(({ name }) => name)];

export const HELP = `Sends a real server what no client would, with an honest client beside it.

usage: node proof/hostile/main.ts [--seed N] [--seconds S | --runs N] [--only PART] [--from I] [--json] [--out FILE]

  --seed N     decides every input (1)
  --seconds S  for messages and for each attack (${SECONDS})
  --runs N     so many inputs of messages and so many rounds of each attack, instead of --seconds
  --only PART  messages: malformed requests of every method, over gRPC, Connect, gRPC-Web and Session
               frames: every attack on connections; or one attack by its name:
${listed(ATTACKS.map(({ name }) => name))}
  --from I     begins with this input or round (0); a failing one is run again by its number and --runs 1
  --json       prints one JSON object instead of text
  --out FILE   writes the JSON object to a file
  --help       prints this

Ends with 0 if all bounds hold, with 1 if one does not, with 2 if it could not run.
`;

const FLAGS = { seed: TEXT, seconds: TEXT, runs: TEXT, only: TEXT, from: TEXT, json: SWITCH, out: TEXT };

export function parseOptions(args: readonly string[]): Parsed<Run<HostileOptions>> {
  return parse({ args, flags: FLAGS }, ({ only, ...values }) => {
    const options: HostileOptions = {
      seed: wholeOf("--seed", values.seed, SEEDS, 1),
      only: only === undefined ? null : oneOf("--only", only, PARTS),
      from: wholeOf("--from", values.from, [0, RUNS_MAX], 0),
      extent: extentOf(values),
      ...destinationOf(values),
    };
    return { kind: "run", options };
  });
}

function extentOf({ seconds, runs }: { seconds?: string; runs?: string }): Extent {
  if (seconds !== undefined && runs !== undefined) throw new Error("--seconds and --runs exclude each other");
  return runs === undefined
    ? { kind: "seconds", seconds: wholeOf("--seconds", seconds, [1, SECONDS_MAX], SECONDS) }
    : { kind: "runs", runs: wholeOf("--runs", runs, [1, RUNS_MAX], 1) };
}

function listed(names: readonly string[]): string {
  const lines: string[] = [];
  for (let at = 0; at < names.length; at += 5) lines.push(`               ${names.slice(at, at + 5).join(", ")}`);
  return lines.join(",\n");
}
