import { OPTIONS, optionsOf } from "../../server/config.ts";
import { choicesOf, type FlagShape } from "../command-shape.ts";
import type { CommandEntry } from "../commands.ts";

/** Everything that can be completed, from the tables that commands are read by. */
export interface Tree {
  readonly commands: readonly CommandNode[];
}

export interface CommandNode {
  readonly name: string;
  readonly summary: string;
  readonly subcommands: readonly SubcommandNode[];
  /** Behind the command itself. */
  readonly flags: readonly FlagNode[];
}

export interface SubcommandNode {
  readonly name: string;
  readonly summary: string;
  readonly flags: readonly FlagNode[];
}

export interface FlagNode {
  /** With its dashes. */
  readonly name: string;
  readonly summary: string;
  readonly value: FlagValue;
}

export type FlagValue =
  | { readonly kind: "none" }
  | { readonly kind: "choice"; readonly words: readonly string[] }
  | { readonly kind: "file" }
  | { readonly kind: "directory" }
  | { readonly kind: "text" };

const HELP: FlagNode = { name: "--help", summary: "Print the options.", value: { kind: "none" } };

export async function readTree(commands: readonly CommandEntry[]): Promise<Tree> {
  return { commands: await Promise.all(commands.map(nodeOf)) };
}

async function nodeOf({ name, summary, shape }: CommandEntry): Promise<CommandNode> {
  const { settings, flags, subcommands } = await shape();
  const known = settings === null ? [] : optionsOf(settings).flatMap((setting) => settingFlags(OPTIONS[setting]));
  const nodes = (own: readonly FlagShape[]) => unique([...own.map(flagNode), ...known, HELP]);
  return {
    ...{ name, summary },
    subcommands: subcommands.map((sub) => ({ name: sub.name, summary: sub.summary, flags: nodes(sub.flags) })),
    flags: nodes(flags),
  };
}

type SettingShape = (typeof OPTIONS)[keyof typeof OPTIONS];

function settingFlags({ name, kind, doc }: SettingShape): readonly FlagNode[] {
  const flag = flagNode({ name, placeholder: kind.placeholder, doc });
  return flag.value.kind === "none" ? [flag, { ...flag, name: `--no-${name}` }] : [flag];
}

function flagNode({ name, placeholder, doc }: FlagShape): FlagNode {
  return { name: `--${name}`, summary: firstSentence(doc), value: flagValue(placeholder) };
}

function flagValue(placeholder: string): FlagValue {
  const words = choicesOf(placeholder);
  if (words.length > 0) return { kind: "choice", words };
  if (placeholder === "") return { kind: "none" };
  if (placeholder === "FILE") return { kind: "file" };
  return placeholder === "DIR" ? { kind: "directory" } : { kind: "text" };
}

function firstSentence(doc: string): string {
  return doc.split(/(?<=[.:;]) /, 1)[0]?.replace(/[.:;]$/, "") ?? "";
}

/** A command's own flag goes before a setting of the same name. */
function unique(flags: readonly FlagNode[]): readonly FlagNode[] {
  return [...new Map(flags.toReversed().map((flag) => [flag.name, flag])).values()].toReversed();
}
