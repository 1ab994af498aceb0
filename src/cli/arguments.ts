import { parseArgs } from "node:util";
import { nearest } from "../server/config/hint.ts";
import type { Command } from "../server/config/option.ts";
import { OPTIONS, optionsOf } from "../server/config.ts";

/** A flag of a command's own; those that are settings are in the table of src/server/config.ts. */
export interface OwnFlag {
  readonly name: string;
  /** Stands for the value in help texts; empty: the flag takes none. */
  readonly placeholder: string;
  readonly repeatable?: boolean;
}

/** What stands on a command line, flags and words apart. */
export interface Arguments {
  readonly words: readonly string[];
  /** What was given to each flag of its own; the empty text to one that takes nothing. */
  readonly flags: ReadonlyMap<string, readonly string[]>;
  /** Settings, for `readSettings`. */
  readonly settings: readonly string[];
  readonly problems: readonly string[];
}

/**
 * Tells a command's own flags from settings, of which sql has none.
 *
 * @param subcommand of the command, for messages; empty: none
 */
export function readArguments(
  command: Command | "sql",
  subcommand: string,
  own: readonly OwnFlag[],
  args: readonly string[],
): Arguments {
  const settings = command === "sql" ? [] : optionsOf(command).map((setting) => OPTIONS[setting]);
  const flags = new Map<string, string[]>();
  const words: string[] = [];
  const rest: string[] = [];
  const problems: string[] = [];
  const takesValue = [...own, ...settings.map(({ name, kind: { placeholder } }) => ({ name, placeholder }))];
  const { tokens } = parseArgs({
    args: [...args],
    options: Object.fromEntries(
      takesValue.map(({ name, placeholder }) => [name, { type: placeholder === "" ? "boolean" : "string" }]),
    ),
    strict: false,
    allowPositionals: true,
    tokens: true,
  });
  for (const token of tokens) {
    if (token.kind === "positional") words.push(token.value);
    if (token.kind !== "option") continue;
    const flag = own.find(({ name }) => name === token.name);
    if (flag !== undefined) {
      // The parser takes what follows for the value even if it is the next flag: then this one has none.
      const isNextFlag = token.inlineValue === false && token.value.startsWith("--");
      const problem = take(flag, isNextFlag ? undefined : token.value, flags);
      if (problem !== null) problems.push(problem);
    } else if (settings.some(({ name }) => name === token.name.replace(/^no-/, ""))) {
      rest.push(...args.slice(token.index, token.index + (token.value !== undefined && !token.inlineValue ? 2 : 1)));
    } else {
      problems.push(unknownFlag(`holdfast ${command} ${subcommand}`.trimEnd(), token.rawName, [...own, ...settings]));
    }
  }
  return { words, flags, settings: rest, problems };
}

/** Null when the flag may be given, and so. */
function take(flag: OwnFlag, value: string | undefined, flags: Map<string, string[]>): string | null {
  const { name, placeholder, repeatable } = flag;
  if ((placeholder === "") !== (value === undefined)) {
    return `--${name} ${placeholder === "" ? "takes no value" : `needs a value: ${placeholder}`}`;
  }
  const before = flags.get(name) ?? [];
  if (before.length > 0 && repeatable !== true) return `--${name} must be given once`;
  flags.set(name, [...before, value ?? ""]);
  return null;
}

function unknownFlag(usage: string, rawName: string, known: readonly { readonly name: string }[]): string {
  const near = nearest(
    rawName,
    known.map(({ name }) => `--${name}`),
  );
  const see = `see "${usage} --help"`;
  const other = rawName.startsWith("--") ? see : `${see}; what begins with a dash and is no flag goes last, behind --`;
  const hint = near === undefined ? other : `did you mean ${near}?`;
  return `unknown flag ${JSON.stringify(rawName)} of "${usage}": ${hint}`;
}
