import { mkdirSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { inspect, type ParseArgsConfig, parseArgs } from "node:util";

/** What somebody wants of a program of proof/ or bench/, by its arguments. */
export type Parsed<Wanted extends { readonly kind: string }> =
  | Wanted
  | { readonly kind: "help" }
  /** Says which flag and what is allowed. */
  | { readonly kind: "refused"; readonly why: string };

export interface Run<Options> {
  readonly kind: "run";
  readonly options: Options;
}

export const TEXT = { type: "string" } as const;
export const SWITCH = { type: "boolean" } as const;
export const SEEDS: Range = [0, 2 ** 32 - 1];

/** Both ends belong to it. */
export type Range = readonly [min: number, max: number];

type Flags = NonNullable<ParseArgsConfig["options"]>;
type Values<Taken extends Flags> = ReturnType<typeof parseArgs<{ options: Taken }>>["values"];

interface CommandLine<Taken extends Flags> {
  readonly args: readonly string[];
  /** Without `--help`, which each program has. */
  readonly flags: Taken;
  /** Whether it takes anything but flags. */
  readonly takesOthers?: boolean;
}

/** @param read refuses the arguments with the message of what it throws */
export function parse<Taken extends Flags, Wanted extends { readonly kind: string }>(
  { args, flags, takesOthers = false }: CommandLine<Taken>,
  read: (values: Values<Taken>, others: readonly string[]) => Wanted,
): Parsed<Wanted> {
  const options: Flags = { ...flags, help: { type: "boolean", short: "h" } };
  try {
    const parsed = parseArgs({ args: [...args], options, strict: true, allowPositionals: takesOthers });
    if (parsed.values["help"]) return { kind: "help" };
    return read(parsed.values as Values<Taken>, parsed.positionals);
  } catch (error) {
    return { kind: "refused", why: reasonOf(error as Error, Object.keys(options)) };
  }
}

/** Of what Node says of a flag that there is not the first sentence, and which there are. */
function reasonOf({ message, code = "" }: Error & { readonly code?: string }, flags: readonly string[]): string {
  if (!code.startsWith("ERR_PARSE_ARGS")) return message;
  const [first = message] = message.split(". ");
  return `${first}; the flags are ${flags.map((flag) => `--${flag}`).join(", ")}`;
}

/** @param usual what it is where the flag was not given */
export function wholeOf<Usual>(flag: string, text: string | undefined, [min, max]: Range, usual: Usual) {
  if (text === undefined) return usual;
  const value = Number(text);
  if (/^\d+$/.test(text) && value >= min && value <= max) return value;
  throw new Error(`${flag} takes a whole number from ${min} to ${max}`);
}

/** @param what the flag takes, in its message */
export function aboveZero(flag: string, text: string | undefined, max: number, usual: number, what = "a number") {
  if (text === undefined) return usual;
  const value = Number(text);
  if (text.trim() !== "" && value > 0 && value <= max) return value;
  throw new Error(`${flag} takes ${what} above 0, up to ${max}`);
}

export function oneOf<Name extends string>(flag: string, text: string, names: readonly Name[]): Name {
  const found = names.find((name) => name === text);
  if (found !== undefined) return found;
  throw new Error(`${flag} takes ${names.length === 2 ? names.join(" or ") : `one of ${names.join(", ")}`}`);
}

/**
 * Those that `--only` names, with commas between them, in the order in which they stand in `all`.
 *
 * @param what each of them is, in the message
 */
export function chosen<Thing>(
  only: string,
  all: readonly Thing[],
  what: string,
  nameOf: (thing: Thing) => string,
): readonly Thing[] {
  const wanted = only.split(",").map((name) => name.trim());
  const names = all.map(nameOf);
  const unknown = wanted.find((name) => !names.includes(name));
  if (unknown === undefined) return all.filter((thing) => wanted.includes(nameOf(thing)));
  throw new Error(`--only knows no ${what} "${unknown}"; there are ${names.join(", ")}`);
}

/** Where the report goes. */
export interface Destination {
  /** To standard output, instead of text for people. */
  readonly json: boolean;
  /** Null: to no file. */
  readonly out: string | null;
}

export function destinationOf({ json = false, out }: { json?: boolean; out?: string }): Destination {
  if (out === "") throw new Error("--out takes the name of a file");
  return { json, out: out ?? null };
}

export function jsonOf(report: unknown): string {
  return `${JSON.stringify(report, null, 2)}\n`;
}

/** The directory is made if need be: who has waited an hour for a report is to have it. */
export function writeOut(out: string | null, report: unknown): void {
  if (out === null) return;
  mkdirSync(dirname(out), { recursive: true });
  writeFileSync(out, jsonOf(report));
}

interface Program {
  /** Stands before whatever went wrong. */
  readonly name: string;
  /** As one types it, before its flags. */
  readonly command: string;
  readonly help: string;
}

/** Sets the exit code: what `run` has come to, or 2 where it could not, since 1 says that something was found. */
export async function runProgram<Wanted extends { readonly kind: string }>(
  { name, command, help }: Program,
  parsed: Parsed<Wanted>,
  run: (wanted: Wanted) => Promise<number>,
): Promise<void> {
  const refuse = (why: string) => {
    process.stderr.write(`${name}: ${why}\n`);
    process.exitCode = 2;
  };
  if (parsed.kind === "help") process.stdout.write(help);
  else if (parsed.kind === "refused" && "why" in parsed) refuse(`${parsed.why}\nSee ${command} --help`);
  else {
    try {
      process.exitCode = await run(parsed as Wanted);
    } catch (error) {
      refuse(inspect(error));
    }
  }
}
