import type { RecordableHistogram } from "node:perf_hooks";
import { tableText } from "../table.ts";
import type { BenchOptions, BenchResult } from "./run.ts";
import type { Call } from "./work.ts";

interface Latency {
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
}

/** For scripts. */
export interface BenchReport {
  readonly mode: BenchOptions["mode"];
  readonly transport: BenchOptions["transport"];
  readonly concurrency: number;
  readonly seconds: number;
  readonly rounds: number;
  readonly roundsPerSecond: number;
  readonly claim: Latency;
  /** Not of replays. */
  readonly complete?: Latency;
  readonly errors: Readonly<Record<string, number>>;
}

export function reportOf({ mode, transport, concurrency }: BenchOptions, result: BenchResult): BenchReport {
  const { elapsedMs, rounds, latencies, errors } = result;
  return {
    ...{ mode, transport, concurrency, rounds },
    seconds: round(elapsedMs / 1000),
    roundsPerSecond: elapsedMs === 0 ? 0 : Math.round((rounds / elapsedMs) * 1000),
    claim: latencyOf(latencies.claim),
    ...(mode === "pairs" && { complete: latencyOf(latencies.complete) }),
    errors: Object.fromEntries(errors),
  };
}

const WAYS = { unary: "", session: " on one session" } as const;

export function reportText(report: BenchReport): string {
  const { mode, transport, concurrency, seconds, rounds, roundsPerSecond, errors } = report;
  const calls = (["claim", "complete"] as const satisfies readonly Call[]).flatMap((call) => {
    const latency = report[call];
    return latency === undefined ? [] : [[call, latency.p50Ms, latency.p99Ms, latency.maxMs].map(String)];
  });
  const failed = Object.entries(errors).map(([why, count]) => [why, String(count)]);
  return [
    `${rounds} ${mode} in ${seconds} s by ${concurrency} callers${WAYS[transport]}: ${roundsPerSecond} a second\n\n`,
    tableText(["CALL", "P50 MS", "P99 MS", "MAX MS"], calls),
    failed.length === 0 ? "" : `\n${tableText(["ERROR", "TIMES"], failed)}`,
  ].join("");
}

function latencyOf(histogram: RecordableHistogram): Latency {
  const none = histogram.count === 0;
  return {
    p50Ms: none ? 0 : round(histogram.percentile(50) / 1000),
    p99Ms: none ? 0 : round(histogram.percentile(99) / 1000),
    maxMs: none ? 0 : round(histogram.max / 1000),
  };
}

/** Microseconds of a call over a network say nothing. */
function round(value: number): number {
  return Math.round(value * 100) / 100;
}
