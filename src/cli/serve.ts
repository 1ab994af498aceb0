import { constants } from "node:os";
import { systemClock } from "../clock.ts";
import { type RunningServer, startServer } from "../server/compose.ts";
import { formatAddress } from "../server/config/kinds.ts";
import type { Config } from "../server/config.ts";
import { STOP_SLACK_MS } from "../server/limits.ts";
import { isOperatorError } from "../server/operator-error.ts";
import { VERSION } from "../server/version.ts";
import type { Log } from "../telemetry/log.ts";
import { banner } from "./banner.ts";
import type { CommandIo } from "./commands.ts";
import { commandLog, isForPeople } from "./logging.ts";
import { type CommandUsage, readSettings } from "./settings.ts";

export const SERVE: CommandUsage = {
  command: "serve",
  about:
    "Serves claims over gRPC and HTTP until SIGTERM or SIGINT, then drains; a second signal ends it at once.\n" +
    "Without --database-url it starts a real Postgres of its own. Without authentication it listens on loopback only.",
};

export async function serve(args: readonly string[], io: CommandIo): Promise<number> {
  const settings = await readSettings(SERVE, args, io);
  if (settings.kind === "exit") return settings.code;
  const { config } = settings;
  const log = commandLog(config, io);
  const signals = catchSignals(log);
  logCrash(log);
  for (const warning of settings.warnings) log.warn({}, warning);
  log.info({ version: VERSION, node: process.versions.node }, "starting");
  const ending = new AbortController();
  const starting = start(config, log, ending.signal);
  const first = await Promise.race([signals.first, starting]);
  if (typeof first === "string") {
    log.info({ signal: first }, "stopping");
    ending.abort();
    return stop(config, log, async () => {
      const late = await starting;
      if (late.kind === "running") return late.server.stop();
      return late.error === ending.signal.reason || reportFailure(late.error, config, io, log);
    });
  }
  if (first.kind === "failed") {
    reportFailure(first.error, config, io, log);
    return 1;
  }
  const { server } = first;
  announce(server, config, io, log);
  const why = await Promise.race([signals.first, server.broken]);
  if (why instanceof Error) log.error({ error: why }, "stopping: the server cannot go on");
  else log.info({ signal: why }, "stopping");
  const code = await stop(config, log, server.stop);
  return why instanceof Error ? 1 : code;
}

type Start =
  | { readonly kind: "running"; readonly server: RunningServer }
  | { readonly kind: "failed"; readonly error: unknown };

/** Never rejects, so that a signal can be waited for beside it. */
async function start(config: Config, log: Log, signal: AbortSignal): Promise<Start> {
  try {
    return { kind: "running", server: await startServer(config, { clock: systemClock, log, ofProcess: true, signal }) };
  } catch (error) {
    return { kind: "failed", error };
  }
}

/** Says why there is no server, and that it is no clean end. */
function reportFailure(error: unknown, config: Config, io: CommandIo, log: Log): false {
  const reason = messageOf(error);
  if (!isForPeople(config, io)) log.error(isOperatorError(error) ? { reason } : { reason, error }, "could not start");
  io.error(`holdfast: ${reason}\n`);
  return false;
}

async function stop(config: Config, log: Log, end: () => Promise<boolean>): Promise<number> {
  const stopped = new AbortController();
  exitInTheEnd(config, log, stopped.signal);
  const clean = await end().finally(() => stopped.abort());
  log.info({ clean }, "stopped");
  return clean ? 0 : 1;
}

/** The first signal begins the drain, or ends the start; the second ends the process with the code that shells give to it. */
function catchSignals(log: Log): { readonly first: Promise<NodeJS.Signals> } {
  const { promise, resolve } = Promise.withResolvers<NodeJS.Signals>();
  let caught = 0;
  const onSignal = (signal: NodeJS.Signals) => {
    if (++caught === 1) return resolve(signal);
    log.warn({ signal }, "ended at once by a second signal");
    process.exit(128 + constants.signals[signal]);
  };
  for (const signal of ["SIGTERM", "SIGINT"] as const) process.on(signal, onSignal);
  return { first: promise };
}

/**
 * What nothing has caught ends the process with 1, as Node does it, so that whoever started it starts another: nobody
 * knows what it has left half done, and what it held is taken over. This only has the log know why.
 */
function logCrash(log: Log): void {
  process.on("uncaughtExceptionMonitor", (error, origin) => {
    log.error({ error, origin }, "ended by an error that nothing has caught");
  });
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

function announce(server: RunningServer, config: Config, io: CommandIo, log: Log): void {
  const grpc = formatAddress(server.grpcAddress);
  const http = formatAddress(server.httpAddress);
  const { database } = server;
  const { auth } = config;
  const tls = config.tlsCert !== null;
  log.info({ grpc, http, database, tls, authentication: auth ?? "none" }, "listening");
  if (isForPeople(config, io)) io.out(banner({ grpc, http, database, tls, auth }));
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
