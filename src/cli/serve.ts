import { constants } from "node:os";
import { systemClock } from "../clock.ts";
import { type RunningServer, startServer } from "../server/compose.ts";
import { formatAddress } from "../server/config/kinds.ts";
import type { Config } from "../server/config.ts";
import { STOP_SLACK_MS } from "../server/limits.ts";
import { VERSION } from "../server/version.ts";
import type { Log } from "../telemetry/log.ts";
import type { CommandIo } from "./commands.ts";
import { commandLog, isForPeople } from "./logging.ts";
import { readSettings } from "./settings.ts";

export async function serve(args: readonly string[], io: CommandIo): Promise<number> {
  const about =
    "Serves claims over gRPC and HTTP until SIGTERM or SIGINT, then drains; a second signal ends it at once.\n" +
    "Without --database-url it starts a real Postgres of its own. Without authentication it listens on loopback only.";
  const settings = readSettings({ command: "serve", about }, args, io);
  if (settings.kind === "exit") return settings.code;
  const { config } = settings;
  const log = commandLog(config, io);
  const signals = catchSignals(log);
  log.info({ version: VERSION, node: process.versions.node }, "starting");
  let server: RunningServer;
  try {
    server = await startServer(config, { clock: systemClock, log, ofProcess: true });
  } catch (error) {
    if (!isForPeople(config, io)) log.error({ error }, "could not start");
    io.error(`holdfast: ${messageOf(error)}\n`);
    return 1;
  }
  announce(server, config, io, log);
  const why = await Promise.race([signals.first, server.broken]);
  if (why instanceof Error) log.error({ error: why }, "stopping: the server cannot go on");
  else log.info({ signal: why }, "stopping");
  const stopped = new AbortController();
  exitInTheEnd(config, log, stopped.signal);
  const clean = await server.stop().finally(() => stopped.abort());
  log.info({ clean }, "stopped");
  return why instanceof Error || !clean ? 1 : 0;
}

/** The first signal begins the drain; the second ends the process with the code that shells give to it. */
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
  log.info({ grpc, http, database: server.database, authentication: "none" }, "listening");
  if (isForPeople(config, io)) io.out(banner(grpc, http, server.database));
}

function banner(grpc: string, http: string, database: string): string {
  const claim = `{"key": {"scope": "charge", "key": "order-1"}, "claim_id": "'$(uuidgen 2>/dev/null || date +%s%N)'"}`;
  return `
  Holdfast ${VERSION} is serving. Ctrl-C stops it.

  gRPC      ${grpc}   (buf curl --protocol grpc --http2-prior-knowledge --list-methods http://${grpc})
  HTTP      http://${http}   (/metrics, /livez, /readyz, and every method as JSON)
  Database  ${database}
  No authentication: only this machine can connect.

  Claim a key; run it twice to see the second caller told IN_PROGRESS:
  curl http://${http}/holdfast.v1.IdempotencyService/Claim \\
    -H 'content-type: application/json' -d '${claim}'

`;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
