import { createHistogram, type RecordableHistogram } from "node:perf_hooks";
import type { Rpc } from "../../client/client.ts";
import { toHoldfastError } from "../../client/wire-error.ts";
import type { Clock } from "../../clock.ts";
import { type Call, createPairs, createReplays, type Mode, type WorkerDeps } from "./work.ts";

export interface BenchOptions {
  readonly mode: Mode;
  readonly transport: "unary" | "session";
  readonly concurrency: number;
  readonly durationMs: number;
  readonly scope: string;
}

export interface BenchDeps {
  readonly records: Rpc;
  readonly clock: Clock;
  /** Ends it before its time; what it has is its result then too. */
  readonly signal: AbortSignal;
  /** Told now and then how many rounds are done. */
  readonly onProgress: (rounds: number, elapsedMs: number) => void;
}

export interface BenchResult {
  readonly elapsedMs: number;
  /** Pairs, or replays, that were answered as they should. */
  readonly rounds: number;
  /** In microseconds; of calls that were answered. */
  readonly latencies: Readonly<Record<Call, RecordableHistogram>>;
  /** How often a round failed, by why. */
  readonly errors: ReadonlyMap<string, number>;
}

/** After an error: a server that is away must not be asked as fast as it can refuse. */
const ERROR_PAUSE_MS = 100;

const PROGRESS_MS = 500;

/**
 * A closed loop: each caller sends its next call when it has the answer to the last. It shows what so many callers get,
 * and not what a server can take.
 *
 * @throws what the first call of all threw: then there is nothing to measure
 */
export async function runBench(options: BenchOptions, deps: BenchDeps): Promise<BenchResult> {
  const { clock, signal, onProgress } = deps;
  const latencies = { claim: createHistogram(), complete: createHistogram() };
  const errors = new Map<string, number>();
  let rounds = 0;
  const timed: WorkerDeps["timed"] = async (call, send) => {
    const sentMs = clock.monotonicMs();
    const answer = await send();
    latencies[call].record(Math.max(1, Math.round((clock.monotonicMs() - sentMs) * 1000)));
    return answer;
  };
  const create = () => createWorker(options, { records: deps.records, scope: options.scope, timed });
  await (await create()).once();
  const workers = await Promise.all(Array.from({ length: options.concurrency }, create));
  for (const histogram of Object.values(latencies)) histogram.reset();

  const beganMs = clock.monotonicMs();
  const endMs = beganMs + options.durationMs;
  let toldMs = beganMs;
  const loop = async ({ once }: Awaited<ReturnType<typeof create>>) => {
    for (let nowMs = beganMs; nowMs < endMs && !signal.aborted; nowMs = clock.monotonicMs()) {
      try {
        await once();
        rounds += 1;
      } catch (error) {
        const why = reasonOf(error);
        errors.set(why, (errors.get(why) ?? 0) + 1);
        await clock.sleep(ERROR_PAUSE_MS, signal).catch(() => undefined);
      }
      if (nowMs - toldMs < PROGRESS_MS) continue;
      toldMs = nowMs;
      onProgress(rounds, nowMs - beganMs);
    }
  };
  await Promise.all(workers.map(loop));
  return { elapsedMs: clock.monotonicMs() - beganMs, rounds, latencies, errors };
}

async function createWorker({ mode }: BenchOptions, deps: WorkerDeps) {
  return mode === "pairs" ? createPairs(deps) : await createReplays(deps);
}

function reasonOf(error: unknown): string {
  const { reason, message } = toHoldfastError(error);
  return reason === "" ? message : reason;
}
