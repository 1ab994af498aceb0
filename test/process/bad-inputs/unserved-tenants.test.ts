import { fromBinary } from "@bufbuild/protobuf";
import { createClient } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { RetryInfoSchema } from "../../../gen/google/rpc/error_details_pb.ts";
import { AdminService } from "../../../gen/holdfast/v1/admin_pb.ts";
import {
  AcquireReason,
  FailKind,
  Finish_Reason as FinishReason,
  IdempotencyService,
  type LeaseHandle,
} from "../../../gen/holdfast/v1/idempotency_pb.ts";
import { Admission, TenantHealth } from "../../../gen/holdfast/v1/tenant_pb.ts";
import { newClaimId, newKey } from "../callers.ts";
import { type HttpServer, type Respond, startHttpServer } from "../http-server.ts";
import { type ServerProcess, startServer } from "../server.ts";
import { as, newTenantId, refusesAs, useAccessStand } from "./access-stand.ts";
import { row } from "./rows.ts";
import { acquire, CANARY, call, livesOn, type Refusal } from "./stand.ts";
import { DISTINCT_WIRES, utf8, WIRES, type Wire } from "./wires.ts";

const { claim, complete, fail, getRecord, heartbeat, resolveTenant } = IdempotencyService.method;
const { drainTenant, recheckTenant, unregisterTenant } = AdminService.method;

/** What validators answer, by path. */
const routes = new Map<string, Respond>();
let validators: HttpServer;
/** On the same database. It has asked no validator yet: each server asks an address once in 30 s at most. */
let second: ServerProcess;

beforeAll(async () => {
  validators = await startHttpServer(routes);
});

const validating = () => ["--validator-loopback", "--validator-port", String(validators.port)];
const { stand, access } = useAccessStand(validating);

beforeAll(async () => {
  second = await startServer({ databaseUrl: stand.database.url, args: ["--auth", "api-key", ...validating()] });
});

afterAll(async () => {
  await second?.[Symbol.asyncDispose]();
  await validators?.[Symbol.asyncDispose]();
});

interface Unserved {
  readonly refusal: Refusal;
  readonly health: TenantHealth;
  readonly admission: Admission;
  /** Makes a registered, healthy tenant one that acquires nothing. */
  readonly bring: (tenantId: string) => Promise<void>;
}

const answering = (status: number, path: string) => {
  routes.set(path, (_, response) => void response.writeHead(status).end(CANARY));
  return { validator: { kind: { case: "httpUrl", value: validators.url(path) } } } as const;
};

/** Registers it anew: its records stay, and its health is what the first validation says. */
async function reregister(tenantId: string, status: number): Promise<void> {
  await access.ask(unregisterTenant, { tenantId });
  await access.register({ tenantId, ...answering(status, `/${tenantId}/again`) });
}

/** So that its validator, which agreed when it was registered, says no. */
async function recheckElsewhere(tenantId: string, times: number): Promise<void> {
  answering(404, `/${tenantId}`);
  const wire = WIRES.gRPC(second);
  for (let i = 0; i < times; i++) await call(as(wire, access.admin), recheckTenant, { tenantId });
  wire[Symbol.dispose]();
}

const DISABLED = {
  refusal: { code: "FAILED_PRECONDITION", reason: "TENANT_DISABLED" },
  health: TenantHealth.DISABLED,
  admission: Admission.REFUSE,
} as const;

const UNSERVED: Readonly<Record<string, Unserved>> = {
  "that was disabled by its first validation": { ...DISABLED, bring: (id) => reregister(id, 403) },
  "that was disabled on another server": { ...DISABLED, bring: (id) => recheckElsewhere(id, 2) },
  "that is unverified, and to be served while it is healthy": {
    refusal: { code: "FAILED_PRECONDITION", reason: "TENANT_UNVERIFIED" },
    health: TenantHealth.UNVERIFIED,
    admission: Admission.REFUSE,
    bring: (id) => recheckElsewhere(id, 1),
  },
  "that is pending": {
    refusal: { code: "UNAVAILABLE", reason: "TENANT_PENDING" },
    health: TenantHealth.PENDING,
    admission: Admission.RETRY_LATER,
    bring: (id) => reregister(id, 503),
  },
  "that is draining": {
    refusal: { code: "FAILED_PRECONDITION", reason: "TENANT_DRAINING" },
    health: TenantHealth.HEALTHY,
    admission: Admission.REFUSE,
    bring: async (tenantId) => void (await access.ask(drainTenant, { tenantId })),
  },
};

const RESULT = { body: { case: "inline", value: utf8("kept") } } as const;
const claimOf = () => ({ key: newKey(), claimId: newClaimId(), lease: { seconds: 600n } });

interface Held {
  readonly request: ReturnType<typeof claimOf>;
  readonly handle: LeaseHandle;
}

async function hold(wire: Wire): Promise<Held> {
  const request = claimOf();
  return { request, handle: await acquire(wire, request) };
}

async function untilRefused(wire: Wire, tenantId: string, { admission, health }: Unserved): Promise<void> {
  const selector = { case: "tenantId", value: tenantId } as const;
  let seen = await call(wire, resolveTenant, { selector });
  // What another server has found out comes within a second.
  while (seen.admission !== admission || seen.health !== health) seen = await call(wire, resolveTenant, { selector });
  expect(seen.healthReason).not.toContain(CANARY);
  expect(seen.healthReason).not.toContain(String(validators.port));
  expect(seen.retryAfter !== undefined).toBe(admission === Admission.RETRY_LATER);
}

/** What a stream tells of one record until it ends. */
function watch(secret: string, { request }: Held) {
  const transport = createGrpcTransport({ baseUrl: `http://${stand.server.grpc}` });
  const headers = { authorization: `Bearer ${secret}` };
  const events = createClient(IdempotencyService, transport).waitFor({ targets: [request] }, { headers });
  return events[Symbol.asyncIterator]();
}

describe.each(DISTINCT_WIRES)("%s", (name) => {
  test.each(Object.entries(UNSERVED))(`${row(32)}: one %s`, async (_, unserved) => {
    const tenantId = newTenantId();
    const serveStates = [TenantHealth.HEALTHY];
    await access.register({ tenantId, serveStates, ...answering(200, `/${tenantId}`) });
    const before = as(stand.wires[name], (await access.newKey(tenantId)).secret);
    const [ended, held, failing] = [await hold(before), await hold(before), await hold(before)];
    const [released, unowned] = [await hold(before), await hold(before)];
    await call(before, complete, { handle: ended.handle, result: RESULT });
    await call(before, fail, { handle: released.handle, kind: FailKind.NOT_STARTED });

    await unserved.bring(tenantId);
    const { secret } = await access.newKey(tenantId);
    const wire = as(stand.wires[name], secret);
    await untilRefused(wire, tenantId, unserved);

    // Nothing new is acquired.
    for (const request of [claimOf(), { ...claimOf(), key: released.request.key }]) {
      const refused = await refusesAs(stand, name, secret, claim, request, unserved.refusal);
      const info = refused.details.get("google.rpc.RetryInfo");
      expect(info !== undefined).toBe(unserved.refusal.code === "UNAVAILABLE");
      if (info !== undefined) expect(fromBinary(RetryInfoSchema, info).retryDelay).toBeDefined();
    }

    // What is there goes on.
    const stranger = { ...claimOf(), key: ended.request.key };
    for (const request of [ended.request, stranger]) {
      const { detail } = await call(wire, claim, request);
      expect(detail.case === "completed" && detail.value.result?.body).toEqual(RESULT.body);
    }
    const again = await call(wire, claim, held.request);
    expect(again.detail.case === "acquired" && again.detail.value.reason).toBe(AcquireReason.REATTACHED);
    expect((await call(wire, claim, { ...claimOf(), key: held.request.key })).detail.case).toBe("inProgress");
    await call(wire, heartbeat, { handle: held.handle });
    expect((await call(wire, getRecord, { key: unowned.request.key })).record).toBeDefined();
    const waiting = watch(secret, held);
    expect((await waiting.next()).value?.event.case).toBe("snapshot");
    await call(wire, complete, { handle: held.handle, result: RESULT });
    const told = await Array.fromAsync({ [Symbol.asyncIterator]: () => waiting });
    expect(told.at(-1)?.event).toMatchObject({ case: "finish", value: { reason: FinishReason.DONE } });
    await call(wire, fail, { handle: failing.handle, kind: FailKind.TERMINAL });
    expect((await call(wire, claim, failing.request)).detail.case).toBe("failed");
  });

  test(`${row(32)}, and then is served again`, async () => {
    const tenantId = newTenantId();
    await access.register({ tenantId });
    const { secret } = await access.newKey(tenantId);
    await access.ask(drainTenant, { tenantId });
    const refusal: Refusal = { code: "FAILED_PRECONDITION", reason: "TENANT_DRAINING" };
    await refusesAs(stand, name, secret, claim, claimOf(), refusal);
    await access.ask(drainTenant, { tenantId, resume: true });
    await hold(as(stand.wires[name], secret));
  });
});

livesOn(stand);
