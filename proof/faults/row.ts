import type { Random } from "../history/load/random.ts";
import type { Recorder } from "../history/recorder.ts";
import type { Load, LoadOptions } from "./load.ts";
import type { Stand, StandOptions } from "./stand/stand.ts";

/** One line of the matrix: something is done to a stand of servers under load, and nothing may be lost by it. */
export interface Row {
  /** "F01" */
  readonly id: string;
  /** What is done, in a few words: the line of the report. */
  readonly fault: string;
  /** Where the usual stand does not do. */
  readonly stand?: Partial<StandOptions>;
  /** Where the usual load does not do. */
  readonly load?: Partial<LoadOptions>;
  /** How often, or how many rounds. Null: left out of the short form. */
  readonly times: { readonly short: number | null; readonly full: number };
  /** Validators that this row's load gives nothing to judge. Default: none, and one that judged nothing fails the row. */
  readonly unjudged?: readonly ValidatorId[];
  /** What this fault breaks where nobody promises otherwise: its violations are told as figures, and not judged. */
  readonly told?: readonly (ValidatorId | "porcupine")[];
  /**
   * Does it, while the load runs, and returns once it is over: every server runs again, nothing is held back any more.
   * Every disturbance stands in `field.recorder.during`. What the row promises beside the histories is told as figures.
   */
  inject(field: Field): Promise<void>;
  /** What must make the row fail, by a verdict or a figure: a row that nothing fails proves nothing. */
  readonly control?: Control;
}

export type ValidatorId = "V1" | "V2" | "V3" | "V4" | "V5" | "V6" | "V7";

/** What a row has to work with. It throws CannotRun where this machine lacks something. */
export interface Field {
  readonly stand: Stand;
  readonly load: Load;
  readonly recorder: Recorder;
  readonly random: Random;
  readonly times: number;
  readonly isFull: boolean;
  /** When the load ran and nothing had been done yet, by performance.now(): for `load.latencies`. */
  readonly baseline: { readonly fromMs: number; readonly toMs: number };
  /** Of the load's keys; for calls of the row's own, on keys of its own. */
  readonly scope: string;
  /** A file for a recorder of another process, which is judged with the rest. */
  historyFile(name: string): string;
  /** Of several of the same name the last one stands. */
  figure(figure: Figure): void;
  /** A line on standard error, for who looks on. */
  say(text: string): void;
}

export interface Figure {
  readonly name: string;
  readonly value: number;
  /** "ms", "calls", "%", "" */
  readonly unit: string;
  /** Without it the figure is told and not judged. */
  readonly must?: { readonly atMost: number } | { readonly atLeast: number };
}

/** The row is run once more with this, in its short form, and has to fail. */
export type Control =
  /** The service with one thing taken out; a name of proof/mutants. Or with several, joined by "+", of which one alone is made up for by another. */
  | { readonly kind: "mutant"; readonly mutant: string; readonly fails: RegExp }
  /** Another stand, say one with `synchronous_commit = off`. */
  | { readonly kind: "stand"; readonly what: string; readonly stand: Partial<StandOptions>; readonly fails: RegExp };
