import type { Clock } from "../clock.ts";
import type { Log } from "../telemetry/log.ts";
import { createMetrics } from "../telemetry/metrics.ts";
import { WORKER_ENDS } from "../telemetry/server-metrics.ts";
import type { RunningServer } from "./compose.ts";
import type { Config } from "./config.ts";
import { findDatabase } from "./database-source.ts";
import { memoryLimitOf, shareProblem } from "./guards/memory.ts";
import { OperatorError } from "./operator-error.ts";
import { forkWorker } from "./workers/fork.ts";
import { createSupervisor } from "./workers/supervisor.ts";
import { createWholePage } from "./workers/whole-page.ts";

export interface WorkersDeps {
  readonly clock: Clock;
  readonly log: Log;
  /** Aborted: whoever started us wants no server any more. */
  readonly signal: AbortSignal;
}

/** A server of several processes, for whoever has started it. */
export type RunningWorkers = Pick<RunningServer, "grpcAddress" | "httpAddress" | "database" | "broken" | "stop">;

/**
 * Starts `count` processes that serve the same two ports and share nothing but the database, as servers on several
 * machines do. This process serves nobody: it hands out connections, replaces workers and adds up their figures. An
 * embedded Postgres is started here and joined by each worker; so when this process is killed, the last worker stops it.
 *
 * @throws what keeps the first worker from serving
 */
export async function startWorkers(config: Config, count: number, deps: WorkersDeps): Promise<RunningWorkers> {
  const { clock, log, signal } = deps;
  requireMemory(config, count);
  await using starting = new AsyncDisposableStack();
  const database = starting.use(await findDatabase(config, { ...deps, processes: count }));
  signal.throwIfAborted();
  const metrics = createMetrics({ ofProcess: true });
  const ends = metrics.counter(WORKER_ENDS)();
  const whole = createWholePage({ own: metrics, clock });
  const page = () =>
    whole.page().catch((error: unknown) => {
      log.warn({ error }, "the figures of the workers could not be added up");
      return null;
    });

  const supervisor = createSupervisor({
    ...{ count, clock, log },
    start(number) {
      const worker = forkWorker({ orders: { number, processes: count, config }, page });
      const leave = whole.join(worker);
      void worker.ended.then(leave);
      return worker;
    },
    onEnd: () => {
      ends.value++;
    },
  });

  const aborted = new Promise<Error>((resolve) => {
    signal.addEventListener("abort", () => resolve(signal.reason), { once: true });
  });
  const broken = Promise.race([supervisor.broken, database.broken]);
  const first = await Promise.race([supervisor.serving, broken, aborted]);
  if (first instanceof Error) {
    await supervisor.stop();
    throw first;
  }
  const started = starting.move();
  const stop = async () => {
    const clean = await supervisor.stop();
    await started.disposeAsync();
    return clean;
  };
  let stopping: Promise<boolean> | undefined;
  return {
    ...first,
    database: database.description,
    broken,
    stop() {
      stopping ??= stop();
      return stopping;
    },
  };
}

/** What a container has for all of them; of `--max-memory` this was seen when it was read. */
function requireMemory({ maxMemoryBytes }: Config, count: number): void {
  const limit = memoryLimitOf(maxMemoryBytes);
  const problem = limit === null ? null : shareProblem(limit.residentBytes, count);
  if (problem !== null)
    throw new OperatorError(`--max-memory, by default 85 % of what the container may have: ${problem}`);
}
