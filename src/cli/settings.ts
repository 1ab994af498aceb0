import { optionsHelp } from "../server/config/help.ts";
import type { Command } from "../server/config/option.ts";
import { type ConfigRead, readConfigAndFile, type Sources } from "../server/config/read.ts";
import { configWarnings } from "../server/config/warnings.ts";
import type { Config } from "../server/config.ts";
import type { CommandIo } from "./commands.ts";
import { helpPage } from "./wrap.ts";

/** What a command goes on with: its settings, or the exit code when there is nothing left to do. */
export type Settings =
  | {
      readonly kind: "go";
      readonly config: Config;
      readonly sources: Sources;
      readonly word: string | undefined;
      /** What is most likely a mistake, in sentences. */
      readonly warnings: readonly string[];
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
export async function readSettings(usage: CommandUsage, args: readonly string[], io: CommandIo): Promise<Settings> {
  if (args.includes("--help") || args.includes("-h")) {
    printUsage(usage, io);
    return { kind: "exit", code: 0 };
  }
  const { read, file } = await readConfigAndFile(usage.command, args, io.env);
  const problems = problemsOf(read, usage);
  if (read.kind === "problems" || problems.length > 0) {
    printProblems(problems, io);
    return { kind: "exit", code: 2 };
  }
  const { config, sources, words } = read;
  return {
    kind: "go",
    config,
    sources,
    word: words[0],
    warnings: configWarnings({ values: config, sources, file }, io.env),
  };
}

export function printUsage({ command, about, words = [] }: CommandUsage, io: CommandIo): void {
  const choice = words.length === 0 ? "" : ` [${words.join("|")}]`;
  io.out(helpPage(`Usage: holdfast ${command}${choice} [OPTIONS]\n\n${about}\n\n${optionsHelp(command)}\n`));
}

export function printProblems(problems: readonly string[], io: CommandIo): void {
  io.error(problems.map((problem) => `holdfast: ${problem}\n`).join(""));
}

/** Everything that is wrong, the words included. */
export function problemsOf(read: ConfigRead, { command, words: known = [] }: CommandUsage): readonly string[] {
  const [first, ...more] = read.words;
  const unknown = first === undefined || known.includes(first) ? more : read.words;
  const problems = read.kind === "problems" ? read.problems : [];
  const takes = known.length === 0 ? "no word" : `one of ${known.join(", ")}`;
  const refused = unknown.map(
    (word) => `"holdfast ${command}" does not take ${JSON.stringify(word)}: it takes ${takes}`,
  );
  return [...problems, ...refused];
}
