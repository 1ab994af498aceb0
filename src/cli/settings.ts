import { optionsHelp } from "../server/config/help.ts";
import type { Command } from "../server/config/option.ts";
import { readConfig, type Source } from "../server/config/read.ts";
import type { Config, Setting } from "../server/config.ts";
import type { CommandIo } from "./commands.ts";

/** What a command goes on with: its settings, or the exit code when there is nothing left to do. */
export type Settings =
  | {
      readonly kind: "go";
      readonly config: Config;
      readonly sources: ReadonlyMap<Setting, Source>;
      readonly word: string | undefined;
    }
  | { readonly kind: "exit"; readonly code: number };

export interface CommandUsage {
  readonly command: Command;
  /** One or two sentences under the usage line. */
  readonly about: string;
  /** Words that may follow the command; one at most is given. */
  readonly words?: readonly string[];
}

/** Answers --help and explains mistakes, all of them at once. */
export function readSettings(
  { command, about, words = [] }: CommandUsage,
  args: readonly string[],
  io: CommandIo,
): Settings {
  if (args.includes("--help") || args.includes("-h")) {
    const choice = words.length === 0 ? "" : ` [${words.join("|")}]`;
    io.out(`Usage: holdfast ${command}${choice} [OPTIONS]\n\n${about}\n\n${optionsHelp(command)}\n`);
    return { kind: "exit", code: 0 };
  }
  const read = readConfig(command, args, io.env);
  const problems = read.kind === "problems" ? [...read.problems] : unknownWords(read.words, words, command);
  if (read.kind === "problems" || problems.length > 0) {
    io.error(problems.map((problem) => `holdfast: ${problem}\n`).join(""));
    return { kind: "exit", code: 2 };
  }
  return { kind: "go", config: read.config, sources: read.sources, word: read.words[0] };
}

function unknownWords(given: readonly string[], known: readonly string[], command: string): string[] {
  const [first, ...more] = given;
  const unknown = first === undefined || known.includes(first) ? more : given;
  return unknown.map((word) => `"holdfast ${command}" does not take ${JSON.stringify(word)}`);
}
