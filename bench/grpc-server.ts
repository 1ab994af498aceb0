import { IdempotencyService } from "../gen/holdfast/v1/idempotency_pb.ts";
import { anonymous } from "../src/auth/authenticator.ts";
import { systemClock as clock } from "../src/clock.ts";
import { createEndpoints } from "../src/rpc/endpoints.ts";
import { openBackend } from "../src/server/backend.ts";
import { readConfig } from "../src/server/config/read.ts";
import { serveGrpc } from "../src/server/grpc.ts";
import { ROOM } from "../src/server/limits.ts";
import { createRoom } from "../src/server/room.ts";
import { createTokenSource } from "../src/server/tokens.ts";
import { openWaiting } from "../src/server/waiting.ts";
import { silentLog as log } from "../src/telemetry/log.ts";
import { createMetrics } from "../src/telemetry/metrics.ts";
import { createRpcMetrics } from "../src/telemetry/rpc-metrics.ts";
import { createStoreMetrics } from "../src/telemetry/store-metrics.ts";
import { createDirectoryTenants } from "../src/tenants/directory-tenants.ts";
import { plainRuntime } from "../src/tenants/runtime.ts";
import { createEcho } from "./echo.ts";

/** The real server of one process and an echo beside it. Arguments: database url, an echo's answer in base64. */
const [url = "", echoAnswer = ""] = process.argv.slice(2);
const read = readConfig("serve", ["--database-url", url, "--grpc-address", "127.0.0.1:0"], {});
if (read.kind !== "config") throw new Error("bug: the benchmark's settings are refused");
const { config } = read;
const metrics = createMetrics({ ofProcess: true });
const newToken = createTokenSource();
const random = Math.random;
const observer = createStoreMetrics(metrics, clock);
const backend = await openBackend(config, { clock, log, observer, newToken, random });
const waits = openWaiting({ ...backend, metrics, clock, log, random });
const endpoints = createEndpoints({
  waiting: waits.waiting,
  tenants: createDirectoryTenants(backend.tenants, plainRuntime(waits)),
  authenticator: anonymous,
  observer: createRpcMetrics(metrics, IdempotencyService.methods),
  clock,
  admission: () => null,
  newToken,
  random,
});
const grpc = await serveGrpc(config.grpcAddress, {
  endpoints: [...endpoints, createEcho(Buffer.from(echoAnswer, "base64"))],
  clock,
  log,
  maxConnectionAgeMs: config.maxConnectionAgeMs,
  maxConcurrentStreams: config.maxConcurrentStreams,
  room: createRoom(ROOM),
});
while (waits.status().mode !== "notified") await clock.sleep(10);
process.send?.({ port: grpc.address.port });
process.once("disconnect", async () => {
  grpc.destroy();
  await waits[Symbol.asyncDispose]();
  await backend[Symbol.asyncDispose]();
});
