import { systemClock } from "../clock.ts";
import type { RunningServer } from "../server/compose.ts";
import type { Config } from "../server/config.ts";
import { STOP_SLACK_MS } from "../server/limits.ts";
import type { Log, LogFields } from "../telemetry/log.ts";

/** A server of one process or several. */
export type Served = Pick<RunningServer, "grpcAddress" | "httpAddress" | "database" | "broken" | "stop">;

export interface ServingDeps {
  readonly config: Config;
  readonly log: Log;
  /** Resolves, with the reason for the log, when the server is to stop, or is not to start. */
  readonly ordered: Promise<LogFields>;
  readonly start: (signal: AbortSignal) => Promise<Served>;
  readonly onServing: (server: Served) => void;
  /** There is no server. */
  readonly onFailure: (error: unknown) => void;
}

/** A server from its start to its end. Resolves to the exit code: 0 when it was told to stop and no call was cut off. */
export async function serveUntilOrdered(deps: ServingDeps): Promise<number> {
  const { config, log, ordered, onFailure } = deps;
  const ending = new AbortController();
  const starting = start(deps, ending.signal);
  const order = ordered.then((fields) => ({ kind: "ordered", fields }) as const);
  const first = await Promise.race([order, starting]);
  if (first.kind === "ordered") {
    log.info(first.fields, "stopping");
    ending.abort();
    return stop(config, log, async () => {
      const late = await starting;
      if (late.kind === "running") return late.server.stop();
      if (late.error !== ending.signal.reason) onFailure(late.error);
      return late.error === ending.signal.reason;
    });
  }
  if (first.kind === "failed") {
    onFailure(first.error);
    return 1;
  }
  const { server } = first;
  deps.onServing(server);
  const why = await Promise.race([order, server.broken]);
  if (why instanceof Error) log.error({ error: why }, "stopping: the server cannot go on");
  else log.info(why.fields, "stopping");
  const code = await stop(config, log, server.stop);
  return why instanceof Error ? 1 : code;
}

type Start =
  | { readonly kind: "running"; readonly server: Served }
  | { readonly kind: "failed"; readonly error: unknown };

/** Never rejects, so that an order can be waited for beside it. */
async function start(deps: ServingDeps, signal: AbortSignal): Promise<Start> {
  try {
    return { kind: "running", server: await deps.start(signal) };
  } catch (error) {
    return { kind: "failed", error };
  }
}

async function stop(config: Config, log: Log, end: () => Promise<boolean>): Promise<number> {
  const stopped = new AbortController();
  exitInTheEnd(config, log, stopped.signal);
  const clean = await end().finally(() => stopped.abort());
  log.info({ clean }, "stopped");
  return clean ? 0 : 1;
}

/** A bound on everything: a part that does not stop must not keep the process. */
function exitInTheEnd({ drainDelayMs, drainGraceMs }: Config, log: Log, stopped: AbortSignal): void {
  const boundMs = drainDelayMs + drainGraceMs + STOP_SLACK_MS;
  const exit = () => {
    log.error({ boundMs }, "ended by force: stopping took too long");
    process.exit(1);
  };
  void systemClock.sleep(boundMs, stopped).then(exit, () => undefined);
}

/**
 * What nothing has caught ends the process with 1, as Node does it, so that whoever started it starts another: nobody
 * knows what it has left half done, and what it held is taken over. This only has the log know why.
 */
export function logCrash(log: Log): void {
  process.on("uncaughtExceptionMonitor", (error, origin) => {
    log.error({ error, origin }, "ended by an error that nothing has caught");
  });
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
