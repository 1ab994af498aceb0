import type { Spread } from "./measure.ts";

/** What a run of the benchmarks says, as JSON; docs/benchmarks.md is written from one. */
export interface Report {
  readonly machine: Machine;
  /** ISO 8601, UTC. */
  readonly startedAt: string;
  readonly seconds: number;
  readonly rounds: number;
  readonly full: boolean;
  readonly sections: readonly Section[];
  /** Arms for which there was no more time, if there are any. */
  readonly leftOut?: readonly string[];
  /** Arms that ended with an error, if there are any. */
  readonly failed?: readonly { readonly id: string; readonly why: string }[];
  /** Targets without a figure, if there are any. */
  readonly unmeasured?: readonly Unmeasured[];
}

/** A target that this run says nothing about. */
export interface Unmeasured {
  /** Of the section and, after a slash, of the figure. */
  readonly id: string;
  readonly what: string;
  readonly target: Target;
  readonly why: string;
  /** Whether the run was to measure it. */
  readonly isMissing: boolean;
}

export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  readonly memoryGiB: number;
  readonly platform: string;
  readonly kernel: string;
  /** Processes that ran or wanted to, over the last minute, 5 and 15: when the run began, and when it ended. */
  readonly loadAtStart: string;
  readonly loadAtEnd: string;
  /** What the disk that the database is on takes for it, before the run; median. */
  readonly fdatasyncMs: number;
  readonly node: string;
  readonly postgres: string;
  /** "fsync on, …": what decides how durable and how fast it is. */
  readonly postgresSettings: string;
  /** Of this repository, and whether the tree had changes. */
  readonly commit: string;
}

/** One arm: what was compared in one run, under the same load. */
export interface Section {
  /** kebab-case; the name by which `--only` runs it. */
  readonly id: string;
  readonly title: string;
  /** What ran, how it was counted, and what the figures do not say. Markdown. */
  readonly how: string;
  readonly figures: readonly Figure[];
  readonly charts?: readonly Chart[];
}

export interface Figure {
  /** kebab-case, unique in its section; other arms and scripts find the figure by it. */
  readonly id: string;
  readonly what: string;
  /** calls/s, pairs/s, ms, MiB, µs, ×, … */
  readonly unit: string;
  readonly spread: Spread;
  /** What the project holds itself to; absent for plain figures. */
  readonly target?: Target;
}

export interface Target {
  readonly atLeast?: number;
  readonly atMost?: number;
}

/** Each series has a value for each of `x`; null where nothing was measured. */
export interface Chart {
  /** kebab-case; the name of the picture. */
  readonly id: string;
  readonly title: string;
  readonly kind: "bars" | "lines";
  readonly unit: string;
  readonly logarithmic?: boolean;
  readonly x: { readonly label: string; readonly values: readonly (string | number)[] };
  readonly series: readonly { readonly name: string; readonly values: readonly (number | null)[] }[];
}
