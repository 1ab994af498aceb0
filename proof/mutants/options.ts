import { parseArgs } from "node:util";
import { MUTANTS } from "./mutants.ts";

export type Parsed =
  | { readonly kind: "run"; readonly options: RunOptions }
  | { readonly kind: "help" }
  /** Says which flag and what is allowed. */
  | { readonly kind: "refused"; readonly why: string };

export interface RunOptions {
  /** Ids of mutants; null: all of them. */
  readonly only: readonly string[] | null;
  /** Whether each check is seen to pass without a mutant first. */
  readonly honest: boolean;
  readonly json: boolean;
  readonly out: string | null;
}

export const HELP = `Takes out of the service, one at a time, what its promises hang on, and runs the checks that must notice.

Usage: node proof/mutants/main.ts [flags]

  --only M3,M4   only these mutants; the flag may be repeated
  --no-honest    does not see first that each check passes where nothing is taken out
  --json         prints one JSON object instead of the table
  --out FILE     writes that object into FILE too
  --help         prints this

Mutants: ${MUTANTS.map(({ id }) => id).join(", ")}

Each runs in a copy of the tree below the directory for temporary files. It takes ten minutes of one core.
Exits with 0 when every check has killed its mutant, with 1 when a mutant has survived one, with 2 when one could not run.
`;

const FLAGS = {
  only: { type: "string", multiple: true },
  "no-honest": { type: "boolean" },
  json: { type: "boolean" },
  out: { type: "string" },
  help: { type: "boolean", short: "h" },
} as const;

export function parseOptions(args: readonly string[]): Parsed {
  try {
    const { values } = parseArgs({ args: [...args], options: FLAGS, strict: true, allowPositionals: false });
    if (values.help) return { kind: "help" };
    const { only, json = false, out } = values;
    if (out === "") throw new Error("--out takes the name of a file");
    const options: RunOptions = {
      only: only === undefined ? null : only.flatMap((list) => list.split(",")).map(mutantOf),
      honest: values["no-honest"] !== true,
      json,
      out: out ?? null,
    };
    return { kind: "run", options };
  } catch (error) {
    return { kind: "refused", why: reasonOf(error) };
  }
}

function mutantOf(id: string): string {
  if (MUTANTS.some((mutant) => mutant.id === id)) return id;
  throw new Error(
    `--only takes ids of mutants, such as M3,M4; they are ${MUTANTS.map((mutant) => mutant.id).join(", ")}`,
  );
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
