import { IdempotencyService } from "../../gen/holdfast/v1/idempotency_pb.ts";
import { anonymous } from "../auth/authenticator.ts";
import type { Clock } from "../clock.ts";
import { createEndpoints } from "../rpc/endpoints.ts";
import type { Store } from "../store/store.ts";
import { createSweeper } from "../store/sweeper.ts";
import type { Log } from "../telemetry/log.ts";
import { createMetrics } from "../telemetry/metrics.ts";
import { createRpcMetrics } from "../telemetry/rpc-metrics.ts";
import { createStoreMetrics } from "../telemetry/store-metrics.ts";
import { createDirectoryTenants } from "../tenants/directory-tenants.ts";
import { plainRuntime } from "../tenants/runtime.ts";
import { openBackend } from "./backend.ts";
import { logCalls } from "./call-log.ts";
import type { Address } from "./config/kinds.ts";
import type { Config } from "./config.ts";
import { createDrain } from "./drain.ts";
import { addServerGauges } from "./gauges.ts";
import { serveGrpc } from "./grpc.ts";
import { createHealthEndpoints } from "./health.ts";
import { serveHttp } from "./http.ts";
import { ROOM, SWEEP_RECORDS_MAX } from "./limits.ts";
import { watchDatabase } from "./probe.ts";
import { createReadiness } from "./readiness.ts";
import { createRoom } from "./room.ts";
import { createTokenSource } from "./tokens.ts";
import { openWaiting } from "./waiting.ts";

export interface ServerDeps {
  readonly clock: Clock;
  readonly log: Log;
  /** Where the records are kept; by default what the configuration says. */
  readonly openBackend?: typeof openBackend;
  /** Aborted: whoever started us wants no server any more. It cuts the long waits of the start short. */
  readonly signal?: AbortSignal;
  /** Measure the process too; off where several servers share one. */
  readonly ofProcess?: boolean;
}

export interface RunningServer {
  /** With the ports that were really taken. */
  readonly grpcAddress: Address;
  readonly httpAddress: Address;
  readonly store: Store;
  /** The database, for people; without password. */
  readonly database: string;
  /** Resolves when the server cannot go on; it is to be stopped then. */
  readonly broken: Promise<Error>;
  /** Drains and lets go of everything, in reverse order. True when no call was cut off. */
  stop(): Promise<boolean>;
}

/** Builds a server from its settings: the one place that knows all the parts. */
export async function startServer(config: Config, deps: ServerDeps): Promise<RunningServer> {
  const { clock, log, signal } = deps;
  const random = Math.random;
  const newToken = createTokenSource();
  await using starting = new AsyncDisposableStack();

  const metrics = createMetrics({ ofProcess: deps.ofProcess ?? false });
  const observer = createStoreMetrics(metrics, clock);
  const open = deps.openBackend ?? openBackend;
  const backend = starting.use(
    await open(config, { clock, log, observer, newToken, random, ...(signal && { signal }) }),
  );
  signal?.throwIfAborted();
  const { store, tenants, databaseNow } = backend;
  const sweeper = createSweeper({
    ...{ store, clock, databaseNow, observer, random },
    intervalMs: config.sweepIntervalMs,
    limit: SWEEP_RECORDS_MAX,
    onError: (error) => log.warn({ error }, "a pass of the sweeper failed"),
  });
  starting.defer(() => sweeper.stop());

  const waits = starting.use(openWaiting({ ...backend, metrics, clock, log, random }));

  const readiness = createReadiness();
  readiness.set("schema", true);
  starting.use(watchDatabase({ backend, readiness, clock, log }));
  const drain = createDrain({
    ...{ readiness, clock, log },
    delayMs: config.drainDelayMs,
    graceMs: config.drainGraceMs,
    endWaits: () => waits.hub.drain(),
  });
  addServerGauges(metrics, { backend, waiting: waits, readiness });

  const calls = createRpcMetrics(metrics, IdempotencyService.methods);
  const endpoints = [
    ...createEndpoints({
      waiting: waits.waiting,
      tenants: createDirectoryTenants(tenants, plainRuntime(waits)),
      authenticator: anonymous,
      observer: logCalls(calls, { log, clock }),
      clock,
      admission: drain.admission,
      newToken,
      random,
    }),
    ...createHealthEndpoints({ readiness, services: [IdempotencyService.typeName], random }),
  ];

  const room = createRoom(ROOM);
  const { maxConnectionAgeMs, maxConcurrentStreams } = config;
  const limits = { maxConnectionAgeMs, maxConcurrentStreams };
  const grpc = await serveGrpc(config.grpcAddress, { endpoints, clock, log, room, ...limits });
  starting.defer(() => grpc.destroy());
  const rpc = async () => (await import("./http-rpc.ts")).createHttpRpc({ endpoints, clock, random, room });
  const waiting = () => waits.status().mode;
  const http = await serveHttp(config.httpAddress, { rpc, metrics, readiness, waiting, log });
  starting.defer(() => http.destroy());

  sweeper.start();

  const started = starting.move();
  const stop = async () => {
    const clean = await drain.run([grpc, http]);
    await started.disposeAsync();
    return clean;
  };
  let stopping: Promise<boolean> | undefined;
  return {
    grpcAddress: grpc.address,
    httpAddress: http.address,
    store,
    database: backend.description,
    broken: backend.broken,
    stop() {
      stopping ??= stop();
      return stopping;
    },
  };
}
