import { create } from "@bufbuild/protobuf";
import { ClaimRequestSchema, ClaimResponseSchema, IdempotencyService } from "../../gen/holdfast/v1/idempotency_pb.ts";
import { anonymous } from "../../src/auth/authenticator.ts";
import { systemClock as clock } from "../../src/clock.ts";
import type { CallContext } from "../../src/rpc/endpoint.ts";
import { createEndpoints } from "../../src/rpc/endpoints.ts";
import { createTokenSource } from "../../src/server/tokens.ts";
import { createMemoryStore } from "../../src/store/memory.ts";
import { createMetrics } from "../../src/telemetry/metrics.ts";
import { createRpcMetrics } from "../../src/telemetry/rpc-metrics.ts";
import { plainRuntime } from "../../src/tenants/runtime.ts";
import { createStaticTenants } from "../../src/tenants/static.ts";
import { createHub, WAIT_LIMITS } from "../../src/waiting/hub.ts";
import { silentWaitingObserver } from "../../src/waiting/observer.ts";
import { type Traced, tracingOf } from "../traced.ts";

/**
 * Replays by the handlers over the memory store: no network, no database. Argument: what traces. Told a number, it makes
 * so many calls and tells the microseconds that one takes of the processor: on a machine that is shared, time says little.
 */
const [traced = "off"] = process.argv.slice(2);
const newToken = createTokenSource();
const random = Math.random;
const store = createMemoryStore({ now: () => Math.round(performance.timeOrigin + performance.now()) * 1000, newToken });
const hub = createHub({ store, clock, observer: silentWaitingObserver, random, limits: WAIT_LIMITS });
const [claim] = createEndpoints({
  tenants: createStaticTenants(plainRuntime({ store, hub })),
  authenticator: anonymous,
  observer: createRpcMetrics(createMetrics({ ofProcess: false }), IdempotencyService.methods),
  waiting: silentWaitingObserver,
  admission: () => null,
  ...{ clock, newToken, random, tracing: tracingOf(traced as Traced) },
});
const never = new AbortController().signal;
const headers: Readonly<Record<string, string>> = { "user-agent": "grpc-node-js/1.14.7" };
const context: CallContext = {
  requestId: "bench",
  deadline: Number.POSITIVE_INFINITY,
  signal: never,
  retiring: never,
  answered: async () => true,
  metadata: (name) => headers[name],
  certificate: () => null,
  transport: "grpc",
};
const request = create(ClaimRequestSchema, {
  key: { scope: "charge", key: "order-000001" },
  claimId: "a-claim-of-the-benchmark",
  owner: { service: "billing", instance: "pod-7" },
});

async function call() {
  if (claim?.kind !== "unary") throw new Error("bug: Claim is the first endpoint");
  return claim.call(request, context);
}

const first = create(ClaimResponseSchema, (await call()) as never);
if (first.detail.case !== "acquired") throw new Error(`a fresh key was answered ${first.detail.case}`);
process.on("message", async (count: number) => {
  const before = process.cpuUsage();
  for (let i = 0; i < count; i++) await call();
  const { user, system } = process.cpuUsage(before);
  process.send?.((user + system) / count);
});
process.send?.("ready");
