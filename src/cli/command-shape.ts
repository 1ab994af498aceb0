import type { Command } from "../server/config/option.ts";
import type { CommandUsage } from "./settings.ts";

/** What can be written behind a command: for its completion in a shell, and for docs/cli.md. */
export interface CommandShape {
  /** Whose settings it takes; null: none. */
  readonly settings: Command | null;
  /** What it does, for people. */
  readonly about: string;
  /** Stands for what it is given beside flags; empty: nothing. */
  readonly operand: string;
  /** Of its own, beside settings. */
  readonly flags: readonly FlagShape[];
  readonly subcommands: readonly SubcommandShape[];
}

export interface FlagShape {
  readonly name: string;
  /** Stands for the value, or is the choice, as in "table|json"; empty: the flag takes none. */
  readonly placeholder: string;
  readonly doc: string;
  readonly repeatable?: boolean;
}

export interface SubcommandShape {
  readonly name: string;
  readonly operand: string;
  /** Empty: the command's own text says it. */
  readonly summary: string;
  readonly flags: readonly FlagShape[];
}

export const NO_SHAPE: CommandShape = { settings: null, about: "", operand: "", flags: [], subcommands: [] };

/** Of a command that takes settings and at most one word. */
export function shapeOf({ command, about, words = [] }: CommandUsage): CommandShape {
  const subcommands = words.map((name) => ({ name, operand: "", summary: "", flags: [] }));
  return { ...NO_SHAPE, settings: command, about, subcommands };
}

/** The words that a value is one of, if its placeholder names them: "table|json" does. */
export function choicesOf(placeholder: string): readonly string[] {
  return /^[a-z0-9-]+(?:\|[a-z0-9-]+)+$/.test(placeholder) ? placeholder.split("|") : [];
}
