import { randomUUID } from "node:crypto";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import {
  type ClaimRequest,
  ClaimRequestSchema,
  type ClaimResponse,
  CompleteRequestSchema,
  IdempotencyService,
  type LeaseHandle,
} from "../gen/holdfast/v1/idempotency_pb.ts";
import { anonymous } from "../src/auth/authenticator.ts";
import { systemClock as clock } from "../src/clock.ts";
import type { CallContext, Endpoint } from "../src/rpc/endpoint.ts";
import { createEndpoints } from "../src/rpc/endpoints.ts";
import { logCalls } from "../src/server/call-log.ts";
import { createTokenSource } from "../src/server/tokens.ts";
import { createMemoryStore } from "../src/store/memory.ts";
import type { Store } from "../src/store/store.ts";
import { silentLog as log } from "../src/telemetry/log.ts";
import { createMetrics } from "../src/telemetry/metrics.ts";
import { createRpcMetrics } from "../src/telemetry/rpc-metrics.ts";
import { createTracing } from "../src/telemetry/tracing.ts";
import { plainRuntime } from "../src/tenants/runtime.ts";
import { createStaticTenants } from "../src/tenants/static.ts";
import { createHub, WAIT_LIMITS } from "../src/waiting/hub.ts";
import { silentWaitingObserver } from "../src/waiting/observer.ts";

/** The three calls that a busy server is made of. */
export type Call = "replay" | "claim" | "complete";
export const CALLS = ["replay", "claim", "complete"] as const satisfies readonly Call[];

const newToken = createTokenSource();
const random = Math.random;
const BODY = Buffer.from(JSON.stringify({ id: "ch_3PqLx2", amount: 4200, currency: "eur", status: "succeeded" }));

/** As `serve` has it, without authentication and without an SDK for traces. */
export const pipeline = {
  authenticator: anonymous,
  observer: logCalls(createRpcMetrics(createMetrics({ ofProcess: false }), IdempotencyService.methods), { log, clock }),
  ...{ clock, random, tracing: createTracing("bench") },
};

export type UnaryEndpoint = Extract<Endpoint, { readonly kind: "unary" }>;

/** Claim and Complete over this store. */
export function endpointsOver(store: Store): Readonly<Record<"claim" | "complete", UnaryEndpoint>> {
  const hub = createHub({ store, clock, observer: silentWaitingObserver, random, limits: WAIT_LIMITS });
  const endpoints = createEndpoints({
    tenants: createStaticTenants(plainRuntime({ store, hub })),
    waiting: silentWaitingObserver,
    admission: () => null,
    newToken,
    ...pipeline,
  });
  const find = (name: string): UnaryEndpoint => {
    const found = endpoints.find(({ method }) => method.localName === name);
    if (found?.kind !== "unary") throw new Error(`bug: no unary endpoint ${name}`);
    return found;
  };
  return { claim: find("claim"), complete: find("complete") };
}

export function freshStore(): Store {
  return createMemoryStore({ now: () => Math.round(performance.timeOrigin + performance.now()) * 1000, newToken });
}

/** The memory store's answers to the first of each call, given at once from then on: what is above it costs the rest. */
export async function instantStore(call: Call): Promise<Store> {
  const store = freshStore();
  const { claim, complete } = endpointsOver({
    ...store,
    async claim(given, deadline) {
      const answer = await store.claim(given, deadline);
      instant.claim = async () => answer;
      return answer;
    },
    async finish(given, deadline) {
      const answer = await store.finish(given, deadline);
      instant.finish = async () => answer;
      return answer;
    },
  });
  const instant = { ...store };
  const acquired = (await claim.call(claimOf(0), quiet)) as ClaimResponse;
  if (call === "claim") return instant;
  await complete.call(create(CompleteRequestSchema, completeOf(acquired)), quiet);
  if (call === "replay") await claim.call(claimOf(0), quiet);
  return instant;
}

/**
 * Requests as they come from the network, and the store over which they are answered as the name says.
 *
 * @param count of different keys
 */
export async function prepared(call: Call, count: number): Promise<{ store: Store; requests: readonly Buffer[] }> {
  const store = freshStore();
  const claims = Array.from({ length: count }, (_, i) => claimOf(i));
  const encoded = claims.map((request) => Buffer.from(toBinary(ClaimRequestSchema, request)));
  if (call === "claim") return { store, requests: encoded };
  const { claim, complete } = endpointsOver(store);
  const completes: Buffer[] = [];
  for (const request of claims) {
    const answer = (await claim.call(request, quiet)) as ClaimResponse;
    completes.push(Buffer.from(toBinary(CompleteRequestSchema, create(CompleteRequestSchema, completeOf(answer)))));
  }
  if (call === "complete") return { store, requests: completes };
  for (const request of completes) await complete.call(fromBinary(CompleteRequestSchema, request), quiet);
  return { store, requests: encoded };
}

function claimOf(i: number): ClaimRequest {
  return create(ClaimRequestSchema, {
    key: { scope: "charge", key: `order-${String(i).padStart(6, "0")}` },
    claimId: randomUUID(),
    fingerprint: { algorithm: "jcs-sha256", digest: new Uint8Array(32).fill(i % 251) },
    owner: { service: "billing", instance: "pod-7" },
  });
}

function completeOf({ detail }: ClaimResponse) {
  const handle: LeaseHandle | undefined = detail.case === "acquired" ? detail.value.lease?.handle : undefined;
  if (handle === undefined) throw new Error(`a fresh key was answered ${detail.case}`);
  return { handle, result: { body: { case: "inline" as const, value: BODY }, contentType: "application/json" } };
}

const never = new AbortController().signal;

/** Of a caller who is there and in no hurry. */
const quiet: CallContext = {
  requestId: "bench",
  deadline: Number.POSITIVE_INFINITY,
  signal: never,
  retiring: never,
  answered: async () => true,
  metadata: () => undefined,
  certificate: () => null,
  transport: "grpc",
};
