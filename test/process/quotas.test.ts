import { type Client, ConnectError, createClient } from "@connectrpc/connect";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ErrorInfoSchema, QuotaFailureSchema, RetryInfoSchema } from "../../gen/google/rpc/error_details_pb.ts";
import { AdminService } from "../../gen/holdfast/v1/admin_pb.ts";
import { type ClaimResponse, FailKind, IdempotencyService } from "../../gen/holdfast/v1/idempotency_pb.ts";
import { createGrpcTransport } from "../../src/client/grpc-transport.ts";
import { withClient } from "../../src/store/postgres/connection.ts";
import { createTestDatabase, type TestDatabase } from "../support/database.ts";
import { newClaimId, newKey } from "./callers.ts";
import { untilSumIs } from "./metrics-page.ts";
import { type ServerProcess, startServer } from "./server.ts";
import { claimOf, handleOf, LONG, until } from "./waiting-calls.ts";

interface Limits {
  readonly newRecordsPerSecond?: number;
  readonly newRecordsBurst?: number;
  readonly liveRecords?: bigint;
  readonly storedBytes?: bigint;
  readonly leases?: number;
  readonly waiters?: number;
}

let database: TestDatabase;
let server: ServerProcess;
let admin: Client<typeof AdminService>;
let records: Client<typeof IdempotencyService>;
let close: () => void;

beforeAll(async () => {
  database = await createTestDatabase();
  await start();
});

async function start(): Promise<void> {
  server = await startServer({ databaseUrl: database.url });
  const transport = createGrpcTransport({ addresses: [server.grpc] });
  admin = createClient(AdminService, transport);
  records = createClient(IdempotencyService, transport);
  close = () => transport.close();
}

afterAll(async () => {
  close?.();
  await server?.[Symbol.asyncDispose]();
  await database?.drop();
});

let count = 0;

const limitTo = (tenantId: string, limits: Limits) => admin.updateTenant({ registration: { tenantId, limits } });

/** A tenant that is built, and measured if it is to be. */
async function tenantWith(limits: Limits): Promise<string> {
  const tenantId = `metered-${++count}`;
  await admin.registerTenant({ registration: { tenantId, limits } });
  await records.resolveTenant({ selector: { case: "tenantId", value: tenantId } });
  const { leases = 0, liveRecords = 0n, storedBytes = 0n } = limits;
  if (leases > 0 || liveRecords > 0n || storedBytes > 0n) await until(() => isMeasured(tenantId));
  return tenantId;
}

function isMeasured(tenant: string): Promise<boolean> {
  return withClient({ url: database.url }, async (client) => {
    const { rowCount } = await client.query("select from holdfast.tenant_usage where tenant = $1", [tenant]);
    return rowCount === 1;
  });
}

/** Claims until it is refused, which it is when what was there before the limit has been measured: the reason. */
async function refusalOf(tenant: string): Promise<string> {
  for (;;) {
    const answer = await claim(keyOf(tenant));
    if (answer !== "acquired") return answer;
  }
}

const keyOf = (tenant: string) => ({ tenant, ...newKey() });

/** How a claim was answered, or the reason of its refusal, which must be as the contract has it. */
async function told(call: Promise<ClaimResponse>): Promise<string> {
  try {
    return String((await call).detail.case);
  } catch (error) {
    const failure = ConnectError.from(error);
    const reason = failure.findDetails(ErrorInfoSchema)[0]?.reason ?? "";
    if (reason.startsWith("QUOTA_")) {
      expect(failure.message).toContain("[resource_exhausted]");
      const [quota] = failure.findDetails(QuotaFailureSchema);
      expect(quota?.violations).toHaveLength(1);
      expect(quota?.violations[0]?.subject).toBe(`tenant:${reason.slice("QUOTA_".length).toLowerCase()}`);
      const [retry] = failure.findDetails(RetryInfoSchema);
      expect(Number(retry?.retryDelay?.seconds) * 1e9 + Number(retry?.retryDelay?.nanos)).toBeGreaterThan(0);
    }
    return reason;
  }
}

const claim = (key: ReturnType<typeof keyOf>, claimId = newClaimId()) => told(records.claim(claimOf(key, { claimId })));
const result = (bytes: number) => ({ body: { case: "inline" as const, value: new Uint8Array(bytes) } });

/** One lease that is held, and a record that has ended with a result of so many bytes. */
async function begin(tenant: string, bytes = 1) {
  const [held, ended] = [keyOf(tenant), keyOf(tenant)];
  const claimId = newClaimId();
  const handle = handleOf(await records.claim(claimOf(held, { claimId })));
  await records.complete({ handle: handleOf(await records.claim(claimOf(ended))), result: result(bytes) });
  return { held, claimId, handle, ended };
}

/** What acquires nothing new is never refused. */
async function goesOn({ held, claimId, handle, ended }: Awaited<ReturnType<typeof begin>>): Promise<void> {
  expect(await claim(ended), "a replay").toBe("completed");
  expect(await claim(held, claimId), "a reattach").toBe("acquired");
  await records.heartbeat({ handle });
  await records.complete({ handle, result: result(1) });
  expect(await claim(held), "a replay of what was held").toBe("completed");
}

describe("a tenant that has used up", () => {
  test("its new records of a second makes no more for a while, and goes on with what it has", async () => {
    const tenant = await tenantWith({ newRecordsPerSecond: 0.001, newRecordsBurst: 3 });
    const work = await begin(tenant);
    const again = keyOf(tenant);
    const handle = handleOf(await records.claim(claimOf(again)));
    expect(await claim(keyOf(tenant))).toBe("QUOTA_NEW_RECORDS");
    await records.fail({ handle, kind: FailKind.NOT_STARTED });
    expect(await claim(again), "a record that it has").toBe("acquired");
    await goesOn(work);
    await limitTo(tenant, { newRecordsPerSecond: 1_000_000 });
    expect(await claim(keyOf(tenant)), "another limit holds at once").toBe("acquired");
  });

  test("its leases acquires nothing until one ends", async () => {
    const tenant = await tenantWith({ leases: 2 });
    const work = await begin(tenant);
    const free = keyOf(tenant);
    const handle = handleOf(await records.claim(claimOf(free)));
    await records.fail({ handle, kind: FailKind.NOT_STARTED });
    expect(await claim(keyOf(tenant))).toBe("acquired");
    expect(await claim(keyOf(tenant))).toBe("QUOTA_LEASES");
    expect(await claim(free), "a record that it has").toBe("QUOTA_LEASES");
    await goesOn(work);
    expect(await claim(free), "a lease has ended").toBe("acquired");
    expect(await claim(keyOf(tenant))).toBe("QUOTA_LEASES");
    await limitTo(tenant, { leases: 100 });
    expect(await claim(keyOf(tenant)), "another limit holds at once").toBe("acquired");
  });

  test("its records makes no more, and may try again those that it has", async () => {
    const tenant = await tenantWith({ liveRecords: 3n });
    const work = await begin(tenant);
    const again = keyOf(tenant);
    const handle = handleOf(await records.claim(claimOf(again)));
    expect(await claim(keyOf(tenant))).toBe("QUOTA_LIVE_RECORDS");
    await records.fail({ handle, kind: FailKind.NOT_STARTED });
    expect(await claim(again), "a record that it has").toBe("acquired");
    await goesOn(work);
    await limitTo(tenant, { liveRecords: 100n });
    expect(await claim(keyOf(tenant)), "another limit holds at once").toBe("acquired");
  });

  test("its bytes makes no more records, and may end those that it has, however large the results", async () => {
    const tenant = await tenantWith({ storedBytes: 1_000n });
    const work = await begin(tenant, 2_000);
    const again = keyOf(tenant);
    expect(await claim(again)).toBe("QUOTA_BYTES");
    await goesOn(work);
    await limitTo(tenant, { storedBytes: 0n });
    expect(await claim(again), "another limit holds at once").toBe("acquired");
  });

  test("its waiters has no more calls that wait, and those that it has are told the end", async () => {
    const tenant = await tenantWith({ waiters: 2 });
    const { held, handle } = await begin(tenant);
    const waiting = await waitFor(held, 2);
    expect(await told(records.claim(claimOf(held, { wait: 60 }), LONG))).toBe("QUOTA_WAITERS");
    expect(await claim(held), "who does not wait").toBe("inProgress");
    await records.complete({ handle, result: result(1) });
    expect(await Promise.all(waiting)).toEqual(["completed", "completed"]);
  });
});

test("what a tenant had before there was a limit counts once it is measured, on this server and on one that starts later", async () => {
  const cases = [
    { limits: { liveRecords: 3n }, reason: "QUOTA_LIVE_RECORDS" },
    { limits: { storedBytes: 500n }, reason: "QUOTA_BYTES" },
    { limits: { leases: 2 }, reason: "QUOTA_LEASES" },
  ] as const;
  const all = await Promise.all(
    cases.map(async ({ limits, reason }) => {
      const tenant = await tenantWith({});
      const work = await begin(tenant, 1_000);
      await begin(tenant, 1_000);
      await limitTo(tenant, limits);
      expect(await refusalOf(tenant)).toBe(reason);
      return { tenant, work, reason };
    }),
  );
  await using later = await startServer({ databaseUrl: database.url });
  const transport = createGrpcTransport({ addresses: [later.grpc] });
  const there = createClient(IdempotencyService, transport);
  for (const { tenant, work, reason } of all) {
    // Its first call finds what the other server has measured.
    expect(await told(there.claim(claimOf(keyOf(tenant))))).toBe(reason);
    expect(await told(there.claim(claimOf(work.ended)))).toBe("completed");
    await goesOn(work);
  }
  transport.close();
});

test("another limit holds when its change is answered, also when it takes long to find out what the tenant uses", async () => {
  const tenant = await tenantWith({ leases: 1 });
  expect(await claim(keyOf(tenant))).toBe("acquired");
  expect(await claim(keyOf(tenant))).toBe("QUOTA_LEASES");
  await withClient({ url: database.url }, async (client) => {
    await client.query("begin");
    await client.query("lock table holdfast.tenant_usage in access exclusive mode");
    await limitTo(tenant, { leases: 100 });
    expect(await claim(keyOf(tenant))).toBe("acquired");
  });
});

const CALLS = 'holdfast_waiting_calls{placement="main"}';

/** So many callers who wait for one record, in this order. */
async function waitFor(key: ReturnType<typeof keyOf>, callers: number): Promise<readonly Promise<string>[]> {
  const waiting: Promise<string>[] = [];
  for (let i = 1; i <= callers; i++) {
    waiting.push(told(records.claim(claimOf(key, { wait: 60 }), LONG)));
    await untilSumIs([server], CALLS, i);
  }
  return waiting;
}

describe("those who wait for a record", () => {
  test("are refused one after the other when it is free and the tenant has no lease left", async () => {
    const tenant = await tenantWith({});
    const { held, handle } = await begin(tenant);
    await begin(tenant);
    const waiting = await waitFor(held, 3);
    await limitTo(tenant, { leases: 1 });
    expect(await refusalOf(tenant)).toBe("QUOTA_LEASES");
    await records.fail({ handle, kind: FailKind.NOT_STARTED });
    expect(await Promise.all(waiting)).toEqual(["QUOTA_LEASES", "QUOTA_LEASES", "QUOTA_LEASES"]);
    await untilSumIs([server], CALLS, 0);
    await limitTo(tenant, {});
    expect(await claim(held), "nobody has it").toBe("acquired");
  });

  test("are refused one after the other when it is free and the tenant is drained, and are told its end", async () => {
    const tenant = await tenantWith({});
    const [freed, ended] = [await begin(tenant), await begin(tenant)];
    const waiting = await waitFor(freed.held, 3);
    await admin.drainTenant({ tenantId: tenant });
    await records.fail({ handle: freed.handle, kind: FailKind.NOT_STARTED });
    expect(await Promise.all(waiting)).toEqual(["TENANT_DRAINING", "TENANT_DRAINING", "TENANT_DRAINING"]);
    await untilSumIs([server], CALLS, 0);

    // Whoever comes while it is drained may wait as well.
    const later = await waitFor(ended.held, 3);
    await records.complete({ handle: ended.handle, result: result(1) });
    expect(await Promise.all(later)).toEqual(["completed", "completed", "completed"]);
    await untilSumIs([server], CALLS, 0);
    await admin.drainTenant({ tenantId: tenant, resume: true });
    expect(await claim(freed.held), "nobody has it").toBe("acquired");
  });
});
