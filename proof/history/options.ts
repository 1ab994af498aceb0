import { parseArgs } from "node:util";

export type Parsed =
  | { readonly kind: "run"; readonly options: RunOptions }
  | { readonly kind: "help" }
  /** Says which flag and what is allowed. */
  | { readonly kind: "refused"; readonly why: string };

export interface RunOptions {
  readonly files: readonly string[];
  readonly json: boolean;
  readonly visualize: string | undefined;
  readonly timeoutSeconds: number;
}

const TIMEOUT_SECONDS = 60;
const TIMEOUT_SECONDS_MAX = 3600;

const FLAGS = {
  json: { type: "boolean" },
  visualize: { type: "string" },
  timeout: { type: "string" },
  help: { type: "boolean", short: "h" },
} as const;

export function parseOptions(args: readonly string[]): Parsed {
  try {
    const parsed = parseArgs({ args: [...args], options: FLAGS, strict: true, allowPositionals: true });
    const { values, positionals: files } = parsed;
    if (values.help) return { kind: "help" };
    if (files.length === 0) throw new Error("no FILE was named: those of all client processes of the run");
    const options = {
      ...{ files, json: values.json ?? false, visualize: values.visualize },
      timeoutSeconds: secondsOf(values.timeout),
    };
    return { kind: "run", options };
  } catch (error) {
    return { kind: "refused", why: reasonOf(error) };
  }
}

function secondsOf(text: string | undefined): number {
  if (text === undefined) return TIMEOUT_SECONDS;
  const seconds = Number(text);
  if (text.trim() !== "" && seconds > 0 && seconds <= TIMEOUT_SECONDS_MAX) return seconds;
  throw new Error(`--timeout takes seconds: a number above 0, up to ${TIMEOUT_SECONDS_MAX}`);
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

export const HELP = `Holds recorded calls against the contract: with validators of each promise, and with porcupine against the model.

usage: node proof/history/main.ts [--json] [--visualize DIR] [--timeout SECONDS] FILE...

  FILE             what a recorder has written: the files of all client processes of one run, of one host
  --json           one JSON object on standard output instead of text
  --visualize DIR  draw each violation that porcupine finds into DIR as a page of HTML
  --timeout S      for each search of one key (default ${TIMEOUT_SECONDS}); what takes longer is undecided
  --help           this

Porcupine needs Go; without it the validators run alone, and the output says so.
Ends with 0 if nothing is wrong, with 1 if something is, with 2 if it could not be told.
`;
