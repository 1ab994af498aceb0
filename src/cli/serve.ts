import { constants } from "node:os";
import { systemClock } from "../clock.ts";
import { formatAddress } from "../server/config/kinds.ts";
import { workersOf } from "../server/config/worker-count.ts";
import type { Config } from "../server/config.ts";
import { isOperatorError } from "../server/operator-error.ts";
import { VERSION } from "../server/version.ts";
import { WORKER_FLAG } from "../server/workers/messages.ts";
import type { Log, LogFields } from "../telemetry/log.ts";
import { banner } from "./banner.ts";
import type { CommandIo } from "./commands.ts";
import { commandLog, isForPeople } from "./logging.ts";
import { logCrash, messageOf, type Served, serveUntilOrdered } from "./serving.ts";
import { type CommandUsage, readSettings } from "./settings.ts";

export const SERVE: CommandUsage = {
  command: "serve",
  about:
    "Serves claims over gRPC and HTTP until SIGTERM or SIGINT, then drains; a second signal ends it at once.\n" +
    "Without --database-url it starts a real Postgres of its own. Without authentication it listens on loopback only.",
};

export async function serve(args: readonly string[], io: CommandIo): Promise<number> {
  if (args[0] === WORKER_FLAG) {
    const { findPrimary } = await import("../server/workers/primary.ts");
    const primary = await findPrimary(systemClock);
    if (primary !== null) return (await import("./serve-worker.ts")).serveWorker(primary, io);
  }
  const settings = await readSettings(SERVE, args, io);
  if (settings.kind === "exit") return settings.code;
  const { config } = settings;
  const log = commandLog(config, io);
  const ordered = catchSignals(log);
  logCrash(log);
  for (const warning of settings.warnings) log.warn({}, warning);
  log.info({ version: VERSION, node: process.versions.node }, "starting");
  const workers = workersOf(config);
  return serveUntilOrdered({
    ...{ config, log, ordered },
    start: (signal) => start(config, workers, log, signal),
    onServing: (server) => announce(server, config, workers, io, log),
    onFailure: (error) => reportFailure(error, config, io, log),
  });
}

/** One process serves by itself: there is nobody to replace it, and nothing between it and its callers. */
async function start(config: Config, workers: number, log: Log, signal: AbortSignal): Promise<Served> {
  if (workers > 1) {
    const { startWorkers } = await import("../server/workers.ts");
    return startWorkers(config, workers, { clock: systemClock, log, signal });
  }
  const { startServer } = await import("../server/compose.ts");
  return startServer(config, { clock: systemClock, log, ofProcess: true, signal });
}

/** Says why there is no server. */
function reportFailure(error: unknown, config: Config, io: CommandIo, log: Log): void {
  const reason = messageOf(error);
  if (!isForPeople(config, io)) log.error(isOperatorError(error) ? { reason } : { reason, error }, "could not start");
  io.error(`holdfast: ${reason}\n`);
}

/** The first signal begins the drain, or ends the start; the second ends the process with the code that shells give to it. */
function catchSignals(log: Log): Promise<LogFields> {
  const { promise, resolve } = Promise.withResolvers<LogFields>();
  let caught = 0;
  const onSignal = (signal: NodeJS.Signals) => {
    if (++caught === 1) return resolve({ signal });
    log.warn({ signal }, "ended at once by a second signal");
    process.exit(128 + constants.signals[signal]);
  };
  for (const signal of ["SIGTERM", "SIGINT"] as const) process.on(signal, onSignal);
  return promise;
}

function announce(server: Served, config: Config, workers: number, io: CommandIo, log: Log): void {
  const grpc = formatAddress(server.grpcAddress);
  const http = formatAddress(server.httpAddress);
  const { database } = server;
  const { auth } = config;
  const tls = config.tlsCert !== null;
  const several = workers > 1 ? { workers } : {};
  log.info({ grpc, http, database, tls, authentication: auth ?? "none", ...several }, "listening");
  if (isForPeople(config, io)) io.out(banner({ grpc, http, database, tls, auth }));
}
