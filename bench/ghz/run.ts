import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import type { Ghz } from "./build.ts";

const execute = promisify(execFile);
/** ghz prints every call; a run has some hundred thousand at most. */
const OUTPUT_BYTES_MAX = 2 ** 30;

interface Config {
  /** Of its file. */
  readonly name: string;
  readonly about: string;
  /** What its rate counts. */
  readonly unit: string;
  /** An open loop, at half of what this one carried in the same run; else at the rate of its file. */
  readonly halfOf?: string;
}

/** The files of this folder, in the order in which they run. */
export const CONFIGS: readonly Config[] = [
  { name: "claim", about: "fresh keys, closed loop, 64 callers", unit: "claims" },
  { name: "claim-open", about: "fresh keys, open loop, at half of that", unit: "claims", halfOf: "claim" },
  { name: "pairs", about: "claim + complete, closed loop, 64 callers; latencies of the completions", unit: "pairs" },
  {
    name: "pairs-open",
    about: "claim + complete, open loop, at half of that; latencies of the completions",
    unit: "pairs",
    halfOf: "pairs",
  },
  { name: "replay", about: "ended keys, closed loop, 64 callers", unit: "replays" },
  { name: "replay-open", about: "ended keys, open loop, at half of that", unit: "replays", halfOf: "replay" },
  { name: "wait", about: "WaitFor of a key that ends within 100 ms, closed loop, 64 callers", unit: "streams" },
  {
    name: "session",
    about: "4 sessions, 1000 fresh claims each, then anew; latencies of whole sessions",
    unit: "claims",
  },
  {
    name: "session-open",
    about: "sessions of 100 fresh claims, open loop, at half of that; latencies of whole sessions",
    unit: "claims",
    halfOf: "session",
  },
];

export interface GhzRun {
  readonly name: string;
  readonly about: string;
  readonly call: string;
  readonly callers: number;
  readonly connections: number;
  /** Calls a second, of sessions streams, that an open loop was to send; null for a closed one. */
  readonly rps: number | null;
  readonly unit: string;
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p95Ms: number;
  readonly p99Ms: number;
  readonly slowestMs: number;
  readonly calls: number;
  /** Of the calls; what failed within a stream, ghz does not see. */
  readonly failed: number;
  readonly errors: Readonly<Record<string, number>>;
}

/** What is read of a configuration. */
interface Told {
  readonly call: string;
  readonly concurrency: number;
  readonly connections: number;
  readonly rps?: number;
  readonly "stream-call-count"?: number;
}

/** What is read of ghz's report: times in nanoseconds. */
interface Output {
  readonly count: number;
  readonly rps: number;
  readonly slowest: number;
  readonly latencyDistribution: readonly { readonly percentage: number; readonly latency: number }[] | null;
  readonly errorDistribution: Readonly<Record<string, number>> | null;
}

export interface GhzOrder {
  readonly ghz: Ghz;
  readonly config: Config;
  /** host:port */
  readonly address: string;
  readonly seconds: number;
  /** Of the configurations before this one. */
  readonly before: readonly GhzRun[];
}

export async function runGhz({ ghz, config, address, seconds, before }: GhzOrder): Promise<GhzRun> {
  const file = fileURLToPath(new URL(`${config.name}.json`, import.meta.url));
  const told = JSON.parse(await readFile(file, "utf8")) as Told;
  const base = before.find(({ name }) => name === config.halfOf);
  const unitsOfCall = told["stream-call-count"] ?? 1;
  const rps = base === undefined ? (told.rps ?? null) : Math.max(1, Math.round(base.perSecond / 2 / unitsOfCall));
  const rate = rps === null ? [] : ["--rps", String(rps)];
  const duration = `${seconds}s`;
  const [program, args] =
    config.unit === "pairs"
      ? [ghz.pairs, [...rate, file, address, duration]]
      : [ghz.command, ["--config", file, "--duration", duration, ...rate, "--format", "json", address]];
  const { stdout } = await execute(program, args, { maxBuffer: OUTPUT_BYTES_MAX });
  const { count, rps: answered, slowest, ...output } = JSON.parse(stdout) as Output;
  const errors = output.errorDistribution ?? {};
  const at = (wanted: number) => output.latencyDistribution?.find(({ percentage }) => percentage === wanted)?.latency;
  const ms = (nanoseconds = Number.NaN) => Math.round(nanoseconds / 1e4) / 100;
  return {
    ...{ name: config.name, about: config.about, call: told.call },
    ...{ callers: told.concurrency, connections: told.connections, rps, unit: config.unit },
    perSecond: Math.round(answered * unitsOfCall),
    ...{ p50Ms: ms(at(50)), p95Ms: ms(at(95)), p99Ms: ms(at(99)), slowestMs: ms(slowest) },
    ...{ calls: count, failed: Object.values(errors).reduce((sum, each) => sum + each, 0), errors },
  };
}
