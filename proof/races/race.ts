import type { Chance } from "../sim/chance.ts";
import type { Mutation } from "./stand/mutation.ts";
import type { Tally } from "./tally.ts";

/** Two who do something about the same record at the same time, again and again. */
export interface Race {
  readonly name: string;
  /** Who races whom, and what must hold whoever wins: a sentence. */
  readonly what: string;
  readonly orders: readonly Order[];
  readonly trials: Sizes;
  /** How often each order that does not come about by itself is forced. */
  readonly forced: Sizes;
  run(scene: Scene): Promise<void>;
  /** Each takes away what the promise hangs on: with it the race must find a violation. */
  readonly controls: readonly Control[];
}

export interface Sizes {
  /** As a test. */
  readonly short: number;
  readonly usual: number;
  readonly full: number;
}

/** One of the ways in which a trial can go. */
export interface Order {
  readonly name: string;
  /** Free ones must be some share of the free trials, forced ones must have come about as often as they were forced. */
  readonly by: "chance" | "force";
  /** Of the free trials; 0.1 unless told. 0: it has to come about, and it does not matter how often. */
  readonly shareMin?: number;
}

export interface Control {
  readonly name: string;
  /** A sentence about what it does. */
  readonly what: string;
  readonly mutation: Mutation;
}

export interface Scene {
  /** A database with the schema, where others may race too. */
  readonly url: string;
  readonly chance: Chance;
  readonly trials: number;
  readonly forced: number;
  readonly mutation: Mutation | null;
  /** Who has not been told by then waits for ever. */
  readonly patienceMs: number;
  /** The backstop must have found by then what nobody was told of. */
  readonly boundMs: number;
  readonly tally: Tally;
}

export const SHARE_MIN = 0.1;
