import { createClient } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Health, HealthCheckResponse_ServingStatus as ServingStatus } from "../../gen/grpc/health/v1/health_pb.ts";
import { ClaimOutcome, IdempotencyService } from "../../gen/holdfast/v1/idempotency_pb.ts";
import { createTestDatabase, type TestDatabase } from "../support/database.ts";
import { CALLERS, newClaimId, newKey } from "./callers.ts";
import { type ServerProcess, startServer } from "./server.ts";
import { lockRecords, untilBlocked } from "./table-lock.ts";

const { method } = IdempotencyService;

let database: TestDatabase;

beforeAll(async () => {
  database = await createTestDatabase();
});

afterAll(async () => {
  await database?.drop();
});

describe.each(Object.entries(CALLERS))("%s", (_name, open) => {
  test("SIGTERM loses no call that is in flight, and the server ends with 0", async () => {
    await using server = await startServer({ databaseUrl: database.url });
    using caller = open(server);
    await caller.call(method.getRecord, { key: newKey() }).catch(() => undefined); // The connection stands.
    const unlock = await lockRecords(database.url);
    const calls = Array.from({ length: 20 }, () => caller.call(method.claim, { key: newKey(), claimId: newClaimId() }));
    await untilStarted(server, calls.length);
    server.signal("SIGTERM");
    await server.logged("drain: finishing the calls in flight");
    await unlock();

    expect((await Promise.all(calls)).map(({ outcome }) => outcome)).toEqual(calls.map(() => ClaimOutcome.ACQUIRED));
    expect(await server.exited).toEqual({ code: 0, signal: null });
    expect(await server.logged("stopped")).toMatchObject({ clean: true });
  });
});

test("during the drain delay the server reports not ready and serves on", async () => {
  await using server = await startServer({ databaseUrl: database.url, args: ["--drain-delay", "1m"] });
  const transport = createGrpcTransport({ baseUrl: `http://${server.grpc}` });
  const watching = createClient(Health, transport).watch({})[Symbol.asyncIterator]();
  expect((await watching.next()).value?.status).toBe(ServingStatus.SERVING);

  server.signal("SIGTERM");
  expect((await watching.next()).value?.status).toBe(ServingStatus.NOT_SERVING);
  const ready = await fetch(`${server.http}/readyz`);
  expect(ready.status).toBe(503);
  expect(await ready.json()).toMatchObject({ ready: false, checks: { accepting: false, database: true } });
  expect((await fetch(`${server.http}/livez`)).status).toBe(200);
  const { claim } = createClient(IdempotencyService, transport);
  expect((await claim({ key: newKey(), claimId: newClaimId() })).outcome).toBe(ClaimOutcome.ACQUIRED);

  server.signal("SIGTERM");
  expect(await server.exited).toEqual({ code: 143, signal: null });
});

test("calls that do not end within the grace are cut off, and the exit code says so", async () => {
  await using server = await startServer({ databaseUrl: database.url, args: ["--drain-grace", "0"] });
  const unlock = await lockRecords(database.url);
  try {
    const call = fetch(`${server.http}/holdfast.v1.IdempotencyService/Claim`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ key: newKey(), claim_id: newClaimId() }),
    });
    const failed = call.then(
      () => false,
      () => true,
    );
    await untilBlocked(database.url);
    server.signal("SIGTERM");
    expect(await failed).toBe(true);
  } finally {
    await unlock();
  }
  expect(await server.exited).toEqual({ code: 1, signal: null });
});

test("an open health watch does not hold the drain up", async () => {
  await using server = await startServer({ databaseUrl: database.url });
  const transport = createGrpcTransport({ baseUrl: `http://${server.grpc}` });
  const watching = createClient(Health, transport).watch({})[Symbol.asyncIterator]();
  await watching.next();
  const ended = (async () => {
    for (let next = await watching.next(); !next.done; ) next = await watching.next();
  })();
  ended.catch(() => undefined);
  expect(await server.stop()).toEqual({ code: 0, signal: null });
  await expect(ended).rejects.toThrow("shutting down");
});

/** The calls have arrived: what is still on its way may find the door closed. */
async function untilStarted({ http }: ServerProcess, count: number): Promise<void> {
  const started = `grpc_method="Claim"} ${count}\n`;
  const page = async () => (await fetch(`${http}/metrics`)).text();
  while (
    !(await page()).includes(
      `grpc_server_started_total{grpc_type="unary",grpc_service="holdfast.v1.IdempotencyService",${started}`,
    )
  );
}
