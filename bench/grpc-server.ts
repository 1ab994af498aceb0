import { IdempotencyService } from "../gen/holdfast/v1/idempotency_pb.ts";
import { anonymous } from "../src/auth/authenticator.ts";
import { systemClock as clock } from "../src/clock.ts";
import { createEndpoints } from "../src/rpc/endpoints.ts";
import { readConfig } from "../src/server/config/read.ts";
import { serveGrpc } from "../src/server/grpc.ts";
import { ROOM } from "../src/server/limits.ts";
import { openPlacements } from "../src/server/placement.ts";
import { createReadiness } from "../src/server/readiness.ts";
import { createRoom } from "../src/server/room.ts";
import { createTokenSource } from "../src/server/tokens.ts";
import { silentLog as log } from "../src/telemetry/log.ts";
import { createMetrics } from "../src/telemetry/metrics.ts";
import { createRpcMetrics } from "../src/telemetry/rpc-metrics.ts";
import { createStoreMetrics } from "../src/telemetry/store-metrics.ts";
import { createWaitingMetrics } from "../src/telemetry/waiting-metrics.ts";
import { plainRuntime } from "../src/tenants/runtime.ts";
import { createStaticTenants } from "../src/tenants/static.ts";
import { createEcho } from "./echo.ts";
import { type Traced, tracingOf } from "./traced.ts";

/** The real server of one process and an echo beside it. Arguments: database url, an echo's answer in base64, tracing. */
const [url = "", echoAnswer = "", traced = "api"] = process.argv.slice(2);
const read = readConfig("serve", ["--database-url", url, "--grpc-address", "127.0.0.1:0"], {});
if (read.kind !== "config") throw new Error("bug: the benchmark's settings are refused");
const { config } = read;
const metrics = createMetrics({ ofProcess: true });
const newToken = createTokenSource();
const random = Math.random;
const tracing = tracingOf(traced as Traced);
const observer = createStoreMetrics(metrics);
const waiting = createWaitingMetrics({ metrics, clock, log });
const readiness = createReadiness();
const placements = await openPlacements(config, {
  ...{ clock, log, observer, waiting, readiness, newToken, random, tracing },
});
const endpoints = createEndpoints({
  waiting,
  tenants: createStaticTenants(plainRuntime(placements.main)),
  authenticator: anonymous,
  observer: createRpcMetrics(metrics, IdempotencyService.methods),
  clock,
  admission: () => null,
  newToken,
  random,
  tracing,
});
const grpc = await serveGrpc(config.grpcAddress, {
  tls: null,
  endpoints: [...endpoints, createEcho(Buffer.from(echoAnswer, "base64"))],
  clock,
  log,
  maxConnectionAgeMs: config.maxConnectionAgeMs,
  maxConcurrentStreams: config.maxConcurrentStreams,
  room: createRoom(ROOM),
});
while (placements.waitingMode() !== "notified") await clock.sleep(10);
process.on("message", () => {
  const { user, system } = process.cpuUsage();
  process.send?.({ cpuMicros: user + system });
});
process.send?.({ port: grpc.address.port });
process.once("disconnect", async () => {
  grpc.destroy();
  await placements[Symbol.asyncDispose]();
});
