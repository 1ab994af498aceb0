import type { Patch } from "./patch.ts";

/** The service without one of the things that a promise hangs on. */
export interface Mutant {
  readonly id: string;
  /** A sentence about what it does. */
  readonly name: string;
  readonly patches: readonly Patch[];
  /** Each fails in the mutant, and passes without it. */
  readonly killedBy: readonly Check[];
  /** What is to be said of it besides. */
  readonly note?: string;
}

/** How near to what callers see a check stands that sees the mutant. */
export type Layer =
  /** One part by itself. */
  | "unit"
  /** The statements, on Postgres. */
  | "store"
  /** Sessions or processes that meet, at stop points or freely. */
  | "race"
  /** Seeds of proof/sim, with the mutant's code in it. */
  | "simulation"
  /** The database dies. */
  | "crash"
  /** Whole servers, by what they answer. */
  | "process";

export type Check = VitestCheck | CommandCheck;

interface Shown {
  readonly layer: Layer;
  /**
   * What the mutant does, as the check says it: a line of what it printed when it failed. A mutant that makes the check
   * fail in another way is broken, and not found out.
   */
  readonly shows: RegExp;
}

export interface VitestCheck extends Shown {
  readonly kind: "vitest";
  readonly project: "unit" | "postgres" | "process";
  readonly file: string;
  /** A part of the names of the tests that are run, with " > " between what a test lies in and the test. */
  readonly test: string;
}

/** Exits with 1 where the mutant shows and with 0 where nothing does; with anything else it has proved nothing. */
export interface CommandCheck extends Shown {
  readonly kind: "command";
  /** For `node`, from the root of the tree. */
  readonly args: readonly string[];
}
