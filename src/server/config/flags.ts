import { parseArgs } from "node:util";
import { OPTIONS, optionsOf, type Setting } from "../config.ts";
import { nearest } from "./hint.ts";
import type { Command } from "./option.ts";

/** What stands on a command line. The last of several wins. */
export interface Flags {
  readonly flags: ReadonlyMap<Setting, string>;
  readonly words: readonly string[];
  readonly problems: readonly string[];
}

export function readFlags(command: Command, args: readonly string[]): Flags {
  const problems: string[] = [];
  const flags = new Map<Setting, string>();
  const words: string[] = [];
  const own = optionsOf(command);
  const { tokens } = parseArgs({
    args: [...args],
    options: Object.fromEntries(own.map((setting) => [OPTIONS[setting].name, { type: argumentType(setting) }])),
    strict: false,
    allowPositionals: true,
    tokens: true,
  });
  for (const token of tokens) {
    if (token.kind === "positional") words.push(token.value);
    if (token.kind !== "option") continue;
    const setting = own.find((candidate) => OPTIONS[candidate].name === token.name.replace(/^no-/, ""));
    if (setting === undefined || (token.name.startsWith("no-") && argumentType(setting) === "string")) {
      problems.push(unknownFlag(command, token.rawName, own));
    } else {
      flags.set(setting, token.value ?? bareValue(setting, token.name));
    }
  }
  return { flags, words, problems };
}

/** `--migrate` alone is true and `--no-migrate` false; a flag that needs a value and has none is empty, hence refused. */
function bareValue(setting: Setting, name: string): string {
  if (argumentType(setting) === "string") return "";
  return name.startsWith("no-") ? "false" : "true";
}

function argumentType(setting: Setting): "string" | "boolean" {
  return OPTIONS[setting].kind.placeholder === "" ? "boolean" : "string";
}

function unknownFlag(command: Command, rawName: string, own: readonly Setting[]): string {
  const near = nearest(
    rawName,
    own.map((setting) => `--${OPTIONS[setting].name}`),
  );
  const hint = near === undefined ? `see "holdfast ${command} --help"` : `did you mean ${near}?`;
  return `unknown flag ${JSON.stringify(rawName)} of "holdfast ${command}": ${hint}`;
}
