import { AdminService } from "../../gen/holdfast/v1/admin_pb.ts";
import { IdempotencyService } from "../../gen/holdfast/v1/idempotency_pb.ts";
import { type Clock, wallClockMs } from "../clock.ts";
import { createEndpoints } from "../rpc/endpoints.ts";
import { createSession } from "../rpc/session.ts";
import type { Store } from "../store/store.ts";
import { countRecordChanges, createChangeCounter } from "../telemetry/change-metrics.ts";
import type { Log } from "../telemetry/log.ts";
import { createMetrics, type Metrics, type MetricsPage } from "../telemetry/metrics.ts";
import { createRpcMetrics } from "../telemetry/rpc-metrics.ts";
import { createSessionMetrics } from "../telemetry/session-metrics.ts";
import { createStoreMetrics } from "../telemetry/store-metrics.ts";
import { createTracing, type Tracing } from "../telemetry/tracing.ts";
import { createWaitingMetrics } from "../telemetry/waiting-metrics.ts";
import type { WaitingMode } from "../waiting/postgres/waiting.ts";
import { openAccess } from "./access.ts";
import { logCalls } from "./call-log.ts";
import { type Address, formatAddress } from "./config/kinds.ts";
import type { Config } from "./config.ts";
import { MAIN } from "./database-source.ts";
import { createDrain } from "./drain.ts";
import { addPlacementGauges, addStartGauges } from "./gauges.ts";
import { type GrpcServerDeps, serveGrpc } from "./grpc.ts";
import { collectGarbage, memoryLimitOf, readProcessMemory, shareOf } from "./guards/memory.ts";
import { createGuards } from "./guards.ts";
import { createHealthEndpoints } from "./health.ts";
import { serveHttp } from "./http.ts";
import type { HttpRpc } from "./http-rpc.ts";
import { ROOM, SESSION } from "./limits.ts";
import { openPlacements } from "./placement.ts";
import { createReadiness } from "./readiness.ts";
import { createRoom } from "./room.ts";
import { loadSealing } from "./sealing.ts";
import { openTenancy, termsOf } from "./tenancy.ts";
import { loadTls } from "./tls.ts";
import { createTokenSource } from "./tokens.ts";
import { VERSION } from "./version.ts";

export interface ServerDeps {
  readonly clock: Clock;
  readonly log: Log;
  /** Aborted: whoever started us wants no server any more. It cuts the long waits of the start short. */
  readonly signal?: AbortSignal;
  /** Measure the process too; off where several servers share one. */
  readonly ofProcess?: boolean;
  /** Where this process is one of several that make up the server. */
  readonly worker?: WorkerSeat;
  /** Served besides on the gRPC port: what a benchmark compares with. */
  readonly beside?: Required<Pick<GrpcServerDeps, "endpoints" | "sessions">>;
  /** In place of what the process's SDK gets, if it has one; a benchmark leaves it out. */
  readonly tracing?: Tracing;
}

export interface WorkerSeat {
  /** Its own, from 1. */
  readonly number: number;
  readonly processes: number;
  /** What is scraped in the place of its own page. */
  readonly page: (own: Metrics) => MetricsPage;
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

/** What the HTTP port leads to, but for its pages. */
interface OpenPort {
  readonly rpc: () => Promise<HttpRpc>;
  readonly waitingMode: () => WaitingMode;
}

/** Builds a server from its settings: the one place that knows all the parts. */
export async function startServer(config: Config, deps: ServerDeps): Promise<RunningServer> {
  const { clock, log, signal, worker } = deps;
  const { processes = 1 } = worker ?? {};
  const random = Math.random;
  const newToken = createTokenSource();
  const tracing = deps.tracing ?? createTracing(VERSION);
  await using starting = new AsyncDisposableStack();

  const metrics = createMetrics({ ofProcess: deps.ofProcess ?? false });
  const observer = createStoreMetrics(metrics);
  const waiting = createWaitingMetrics({ metrics, clock, log });
  const countChange = createChangeCounter(metrics);
  const readiness = createReadiness();
  const tls = starting.use(await loadTls(config, { clock, wallClockMs, log }));
  const sealing = await loadSealing(config.masterKeyFile, { clock, log, metrics });
  if (config.tenantsFile !== null) {
    const { checkTenantsFile } = await import("./tenants-file.ts");
    await checkTenantsFile(config.tenantsFile, termsOf(config, sealing));
  }
  addStartGauges(metrics, {
    ...{ readiness, tls, worker: worker?.number ?? 1 },
    placements: [MAIN, ...(config.placements ?? []).map(({ name }) => name)],
  });
  /** Null while there is no database: the pages tell of the start, and so the HTTP port is the first thing there is. */
  let open: OpenPort | null = null;
  const http = await serveHttp(config.httpAddress, {
    ...{ metrics: worker?.page(metrics) ?? metrics, readiness, log, tls, localOnly: config.auth === null },
    corsOrigins: config.corsOrigins ?? [],
    rpc: () => open?.rpc() ?? null,
    waiting: () => open?.waitingMode() ?? "polling",
  });
  starting.defer(() => http.destroy());
  log.debug({ http: formatAddress(http.address) }, "the HTTP port listens");
  // Each process sweeps as much less often as there are others.
  const sweepIntervalMs = config.sweepIntervalMs * processes;
  const placements = starting.use(
    await openPlacements(
      { ...config, sweepIntervalMs },
      {
        ...{ clock, log, observer, tracing, waiting, readiness, newToken, random, processes },
        decorate: (store, name, run) => countRecordChanges(sealing.decorate(store, name, run), countChange),
        ...(signal && { signal }),
      },
    ),
  );
  signal?.throwIfAborted();
  const { main } = placements;
  const tenancy = starting.use(
    await openTenancy(config, {
      placements,
      sealing,
      metrics,
      countChange,
      clock,
      log,
      random,
      ...(signal && { signal }),
    }),
  );
  const { service: tenants, feed, fetch } = tenancy;
  const access = starting.use(
    await openAccess(config, {
      run: main.run,
      change: main.change,
      clock,
      log,
      metrics,
      countChange,
      tenants,
      feed,
      fetch,
    }),
  );

  const drain = createDrain({
    ...{ readiness, clock, log },
    delayMs: config.drainDelayMs,
    graceMs: config.drainGraceMs,
    endWaits: () => placements.drain(),
  });
  const { maxMemoryBytes, maxEventLoopDelayMs } = config;
  const guards = starting.use(
    createGuards({
      ...{ clock, log, metrics, readMemory: readProcessMemory, collectGarbage },
      // Where several servers share a process, none of them can say whose load it is.
      memory: deps.ofProcess === true ? shareOf(memoryLimitOf(maxMemoryBytes), processes) : null,
      maxEventLoopDelayMs: deps.ofProcess === true ? maxEventLoopDelayMs : 0,
    }),
  );
  const admission = () => drain.admission() ?? guards.admission();
  addPlacementGauges(metrics, placements.all);

  const calls = createRpcMetrics(metrics, [...IdempotencyService.methods, ...AdminService.methods]);
  const pipeline = {
    ...{ clock, random, tracing },
    authenticator: access.authenticator,
    observer: logCalls(calls, { log, clock }),
  };
  const services = [IdempotencyService.typeName, AdminService.typeName];
  const idempotency = createEndpoints({ ...pipeline, waiting, tenants, admission, newToken });
  const endpoints = [
    ...idempotency,
    ...tenancy.endpoints({ ...pipeline, ...access }),
    ...createHealthEndpoints({ readiness, services, random }),
  ];

  const room = createRoom(ROOM);
  const { maxConnectionAgeMs, maxConcurrentStreams } = config;
  const limits = { maxConnectionAgeMs, maxConcurrentStreams };
  const session = createSession(
    {
      ...pipeline,
      sessions: createSessionMetrics(metrics),
      limits: SESSION,
    },
    idempotency,
  );
  const { beside = { endpoints: [], sessions: [] } } = deps;
  const served = { endpoints: [...endpoints, ...beside.endpoints], sessions: [session, ...beside.sessions] };
  const grpc = await serveGrpc(config.grpcAddress, { ...served, clock, log, room, tls, ...limits });
  starting.defer(() => grpc.destroy());
  const createRpc = async () => (await import("./http-rpc.ts")).createHttpRpc({ endpoints, clock, random, room });
  let rpc: Promise<HttpRpc> | undefined;
  open = {
    rpc() {
      rpc ??= createRpc();
      return rpc;
    },
    waitingMode: placements.waitingMode,
  };
  // The last of what makes it ready: whoever reads so may call at once, on either port.
  readiness.set("schema", true);

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
    store: main.store,
    database: main.description,
    broken: main.broken,
    stop() {
      stopping ??= stop();
      return stopping;
    },
  };
}
