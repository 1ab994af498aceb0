import { parseArgs } from "node:util";
import { nearest } from "../../server/config/hint.ts";
import { OPTIONS, optionsOf } from "../../server/config.ts";
import type { Flag } from "./flags.ts";

/** What stands on a command line behind the subcommand. */
export interface Arguments {
  readonly words: readonly string[];
  /** What was given to each flag of the subcommand; the empty text to one that takes nothing. */
  readonly flags: ReadonlyMap<string, readonly string[]>;
  /** Settings, for `readSettings`. */
  readonly settings: readonly string[];
  readonly problems: readonly string[];
}

/** Tells a subcommand's own flags from settings. */
export function readArguments(subcommand: string, own: readonly Flag[], args: readonly string[]): Arguments {
  const settings = optionsOf("tenants").map((setting) => OPTIONS[setting]);
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
      const problem = take(flag, token.value, flags);
      if (problem !== null) problems.push(problem);
    } else if (settings.some(({ name }) => name === token.name.replace(/^no-/, ""))) {
      rest.push(...args.slice(token.index, token.index + (token.value !== undefined && !token.inlineValue ? 2 : 1)));
    } else {
      problems.push(unknownFlag(subcommand, token.rawName, [...own, ...settings]));
    }
  }
  return { words, flags, settings: rest, problems };
}

/** Null when the flag may be given, and so. */
function take(flag: Flag, value: string | undefined, flags: Map<string, string[]>): string | null {
  const { name, placeholder, repeatable } = flag;
  if ((placeholder === "") !== (value === undefined)) {
    return `--${name} ${placeholder === "" ? "takes no value" : `needs a value: ${placeholder}`}`;
  }
  const before = flags.get(name) ?? [];
  if (before.length > 0 && repeatable !== true) return `--${name} must be given once`;
  flags.set(name, [...before, value ?? ""]);
  return null;
}

function unknownFlag(subcommand: string, rawName: string, known: readonly { readonly name: string }[]): string {
  const near = nearest(
    rawName,
    known.map(({ name }) => `--${name}`),
  );
  const hint = near === undefined ? `see "holdfast tenants ${subcommand} --help"` : `did you mean ${near}?`;
  return `unknown flag ${JSON.stringify(rawName)} of "holdfast tenants ${subcommand}": ${hint}`;
}
