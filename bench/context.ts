import type { BenchPostgres } from "./database.ts";
import type { Section } from "./report.ts";

/** What a run gives to each of its arms. */
export interface BenchContext {
  /** Embedded, with its default durability; an arm makes itself databases of its own in it. */
  readonly postgres: BenchPostgres;
  /** Counted rounds, after one that warms up. */
  readonly rounds: number;
  /** How long one measurement of a rate goes on. */
  readonly ms: number;
  /** There is time for more than a first look. */
  readonly full: boolean;
  /** Tells how far it is, on standard error. */
  readonly say: (text: string) => void;
}

/** One arm of the benchmark: `bench<Name>` of a file of the same name. */
export type Bench = (context: BenchContext) => Promise<Section>;
