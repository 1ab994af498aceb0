import { parseArgs } from "node:util";
import { ATTACKS } from "./frames/attacks.ts";

export type Parsed =
  | { readonly kind: "run"; readonly options: HostileOptions }
  | { readonly kind: "help" }
  /** Says which flag and what is allowed. */
  | { readonly kind: "refused"; readonly why: string };

export interface HostileOptions {
  readonly seed: number;
  /** Null: every one. Else `messages`, `frames`, or one attack of `frames` by its name. */
  readonly only: string | null;
  /** The first input of `messages`, or round of an attack. */
  readonly from: number;
  /** How much of each: for so long, or so many inputs and rounds. */
  readonly extent: Extent;
  readonly json: boolean;
  readonly out: string | null;
}

export type Extent =
  | { readonly kind: "seconds"; readonly seconds: number }
  | { readonly kind: "runs"; readonly runs: number };

const SECONDS = 10;
const SECONDS_MAX = 86_400;
const RUNS_MAX = 100_000_000;
const SEED_MAX = 2 ** 32 - 1;

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

const FLAGS = {
  seed: { type: "string" },
  seconds: { type: "string" },
  runs: { type: "string" },
  only: { type: "string" },
  from: { type: "string" },
  json: { type: "boolean" },
  out: { type: "string" },
  help: { type: "boolean", short: "h" },
} as const;

export function parseOptions(args: readonly string[]): Parsed {
  try {
    const { values } = parseArgs({ args: [...args], options: FLAGS, strict: true, allowPositionals: false });
    if (values.help) return { kind: "help" };
    const { seconds, runs, only = null } = values;
    if (seconds !== undefined && runs !== undefined) throw new Error("--seconds and --runs exclude each other");
    if (only !== null && !PARTS.includes(only)) throw new Error(`--only takes one of ${PARTS.join(", ")}`);
    const options: HostileOptions = {
      seed: wholeOf("--seed", values.seed ?? "1", 0, SEED_MAX),
      only,
      from: wholeOf("--from", values.from ?? "0", 0, RUNS_MAX),
      extent:
        runs === undefined
          ? { kind: "seconds", seconds: wholeOf("--seconds", seconds ?? `${SECONDS}`, 1, SECONDS_MAX) }
          : { kind: "runs", runs: wholeOf("--runs", runs, 1, RUNS_MAX) },
      json: values.json ?? false,
      out: values.out ?? null,
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

/** What Node says of a flag that there is not, and which there are. */
function reasonOf(error: unknown): string {
  const { message, code = "" } = error as Error & { readonly code?: string };
  if (!code.startsWith("ERR_PARSE_ARGS")) return message;
  const [first = message] = message.split(". ");
  return `${first}; the flags are ${Object.keys(FLAGS)
    .map((flag) => `--${flag}`)
    .join(", ")}`;
}

function listed(names: readonly string[]): string {
  const lines: string[] = [];
  for (let at = 0; at < names.length; at += 5) lines.push(`               ${names.slice(at, at + 5).join(", ")}`);
  return lines.join(",\n");
}
