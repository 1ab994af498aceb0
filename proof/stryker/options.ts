import { globSync } from "node:fs";
import { join } from "node:path";
import { type Destination, destinationOf, oneOf, type Parsed, parse, type Run, SWITCH, TEXT } from "../command-line.ts";

export type Part = keyof typeof FILES;

/** What records become; and how they travel to Postgres and back. Each is judged by tests of its own, see vitest.config.ts. */
export const FILES = {
  domain: ["src/domain/**/*.ts"],
  store: [
    "src/store/postgres/{packed-row,packed-record,binary-array,batch-rows,record-row,claim-row}.ts",
    "src/store/postgres/{instant,key-range,call-bytes}.ts",
  ],
} as const satisfies Record<string, readonly string[]>;

export const PARTS = Object.keys(FILES) as readonly Part[];

const ROOT = join(import.meta.dirname, "../..");

export interface RunOptions extends Destination {
  /** With the files of each that are to be changed, from the root; one at least. */
  readonly parts: readonly { readonly part: Part; readonly files: readonly string[] }[];
}

export const HELP = `Changes one operator, condition or literal at a time, as Stryker does, and runs the unit tests that go through it.

Usage: node proof/stryker/main.ts [flags]

  --part PART    ${PARTS[0]} (what records become) or ${PARTS[1]} (how they travel); without it both
  --only FILES   only these files of theirs, such as src/domain/key.ts or "src/domain/reducer/*.ts"; may be repeated
  --json         prints one JSON object instead of the list
  --out FILE     writes that object into FILE too
  --help         prints this

Runs in a copy of the tree, with what "npm ci --prefix proof/stryker" has installed. It takes a minute of one core.
Exits with 0 when nothing has survived that equivalents.ts does not explain, with 1 when something has, with 2 when it
could not run, or when an explanation has nothing left to explain.
`;

const FLAGS = { part: TEXT, only: { ...TEXT, multiple: true }, json: SWITCH, out: TEXT } as const;

export function parseOptions(args: readonly string[]): Parsed<Run<RunOptions>> {
  return parse({ args, flags: FLAGS }, ({ part, only, ...values }) => {
    const names = part === undefined ? PARTS : [oneOf("--part", part, PARTS)];
    const all = names.map((name) => ({ part: name, files: matching(FILES[name]) }));
    const parts = only === undefined ? all : narrowed(all, only);
    return { kind: "run", options: { parts, ...destinationOf(values) } };
  });
}

function narrowed(parts: RunOptions["parts"], only: readonly string[]): RunOptions["parts"] {
  const chosen = only.flatMap((pattern) => {
    const found = matching([pattern]).filter((name) => parts.some(({ files }) => files.includes(name)));
    if (found.length > 0) return found;
    const allowed = parts.flatMap(({ part }) => FILES[part]).join(", ");
    throw new Error(`--only takes files among ${allowed}, and "${pattern}" is none`);
  });
  return parts
    .map(({ part, files }) => ({ part, files: files.filter((name) => chosen.includes(name)) }))
    .filter(({ files }) => files.length > 0);
}

function matching(patterns: readonly string[]): readonly string[] {
  return globSync([...patterns], { cwd: ROOT }).toSorted();
}
