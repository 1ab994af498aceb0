import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { createClient } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  AcquireReason,
  Finish_Reason as FinishReason,
  IdempotencyService,
  RecordState,
} from "../../gen/holdfast/v1/idempotency_pb.ts";
import { ANSWER_SETTLE_MS, CONNECTION_CHECK_MS } from "../../src/server/limits.ts";
import { createTestDatabase, type TestDatabase } from "../support/database.ts";
import { startTcpProxy } from "../support/tcp-proxy.ts";
import { CALLERS, type Caller, grpcCaller, newClaimId, newKey } from "./callers.ts";
import { spawnNode } from "./client-process.ts";
import { untilSumIs } from "./metrics-page.ts";
import { type ServerProcess, startServer } from "./server.ts";

const { method } = IdempotencyService;
const CLIENT = fileURLToPath(new URL("presence-client.ts", import.meta.url));

type Key = ReturnType<typeof newKey>;

let database: TestDatabase;
let server: ServerProcess;
/** For looking at records, and for holding them. */
let bystander: Caller;

beforeAll(async () => {
  database = await createTestDatabase();
  server = await startServer({ databaseUrl: database.url });
  bystander = grpcCaller(server.grpc);
});

afterAll(async () => {
  bystander?.[Symbol.dispose]();
  await server?.[Symbol.asyncDispose]();
  await database?.drop();
});

const claim = (caller: Caller, key: Key, seconds: { readonly lease: number; readonly wait?: number }) =>
  caller.call(method.claim, {
    key,
    claimId: newClaimId(),
    lease: { seconds: BigInt(seconds.lease) },
    wait: { seconds: BigInt(seconds.wait ?? 0) },
  });

async function look(key: Key) {
  const { record } = await bystander.call(method.getRecord, { key });
  if (record === undefined) throw new Error("no record");
  return record;
}

async function until(isTrue: () => Promise<boolean>): Promise<void> {
  while (!(await isTrue())) await sleep(50);
}

/** The wait stands, and nobody has been promoted yet. */
const untilWaitedFor = (key: Key) => until(async () => (await look(key)).hasWaiters);

/** Longer than it takes the server to ask a live caller, and to give the lease back if it does not like the answer. */
const UNTIL_JUDGED_MS = ANSWER_SETTLE_MS + 2 * CONNECTION_CHECK_MS + 1000;

describe.concurrent("a lease that came to a waiting claim", () => {
  test("stays with a caller who is there", async () => {
    const key = newKey();
    await claim(bystander, key, { lease: 1 });
    using caller = grpcCaller(server.grpc);
    const { detail } = await claim(caller, key, { lease: 60, wait: 30 });
    expect(detail).toMatchObject({ case: "acquired", value: { reason: AcquireReason.TAKEOVER } });
    await sleep(UNTIL_JUDGED_MS);
    expect(await look(key)).toMatchObject({ state: RecordState.IN_PROGRESS, attempt: 2 });
  });

  test("stays with a caller who has printed it and exited", async () => {
    const key = newKey();
    await claim(bystander, key, { lease: 1 });
    const client = spawnNode([CLIENT, server.grpc, key.scope, key.key]);
    await client.line({ outcome: "acquired" });
    expect(await client.exit).toBe(0);
    await sleep(UNTIL_JUDGED_MS);
    expect(await look(key)).toMatchObject({ state: RecordState.IN_PROGRESS, attempt: 2 });
  });

  test("is given back, and no attempt counted, when its caller has vanished without a word", async () => {
    await using proxy = await startTcpProxy(addressOf(server.grpc));
    const key = newKey();
    await claim(bystander, key, { lease: 5 });
    using caller = grpcCaller(`127.0.0.1:${proxy.port}`);
    claim(caller, key, { lease: 3600, wait: 60 }).catch(() => undefined);
    await untilWaitedFor(key);
    proxy.hold();
    await until(async () => (await look(key)).attempt === 2);
    await until(async () => (await look(key)).state === RecordState.AVAILABLE);
    expect(await look(key)).toMatchObject({ attempt: 1 });
  });

  test("never came to a caller whose connection broke before", async () => {
    await using proxy = await startTcpProxy(addressOf(server.grpc));
    const key = newKey();
    await claim(bystander, key, { lease: 3 });
    using caller = grpcCaller(`127.0.0.1:${proxy.port}`);
    claim(caller, key, { lease: 3600, wait: 60 }).catch(() => undefined);
    await untilWaitedFor(key);
    proxy.cut();
    using next = grpcCaller(server.grpc);
    const { detail } = await claim(next, key, { lease: 60, wait: 30 });
    expect(detail).toMatchObject({ value: { reason: AcquireReason.TAKEOVER, lease: { attempt: 2 } } });
  });
});

test.concurrent("callers who vanish while they wait are waited for no longer, 40 s later at most", async () => {
  await using server = await startServer({ databaseUrl: database.url });
  await using proxy = await startTcpProxy(addressOf(server.grpc));
  const key = newKey();
  await claim(bystander, key, { lease: 600 });
  using caller = grpcCaller(`127.0.0.1:${proxy.port}`);
  claim(caller, key, { lease: 60, wait: 60 }).catch(() => undefined);
  const stream = waitFor(`127.0.0.1:${proxy.port}`, key);
  await stream.next();
  await untilSumIs([server], 'holdfast_waiters{placement="main"}', 2);
  proxy.hold();
  const startedMs = performance.now();
  await untilSumIs([server], 'holdfast_waiting_calls{placement="main"}', 0);
  expect(await readWaiters(server)).toBe(0);
  expect(performance.now() - startedMs).toBeLessThan(40_000);
});

describe.concurrent("a connection that has reached its age", () => {
  let aged: ServerProcess;
  beforeAll(async () => {
    aged = await startServer({ databaseUrl: database.url, args: ["--max-connection-age", "1s"] });
  });
  afterAll(() => aged?.[Symbol.asyncDispose]());

  test("lets a claim that waits on it finish, for longer than any keepalive", async () => {
    const key = newKey();
    await claim(bystander, key, { lease: 600 });
    using caller = grpcCaller(aged.grpc);
    expect((await claim(caller, key, { lease: 60, wait: 35 })).detail.case).toBe("inProgress");
  });

  test("ends its streams, which say why", async () => {
    const key = newKey();
    await claim(bystander, key, { lease: 600 });
    const stream = waitFor(aged.grpc, key);
    expect((await stream.next()).value?.event.case).toBe("snapshot");
    expect((await stream.next()).value?.event).toMatchObject({ value: { reason: FinishReason.MAX_AGE } });
    expect((await stream.next()).done).toBe(true);
  });
});

test.concurrent.each(Object.entries(CALLERS))(
  "%s: a claim may wait for longer than a request may take to arrive",
  async (_name, open) => {
    const key = newKey();
    await claim(bystander, key, { lease: 600 });
    using caller = open(server);
    expect((await claim(caller, key, { lease: 60, wait: 13 })).detail.case).toBe("inProgress");
  },
);

function waitFor(address: string, key: Key) {
  const transport = createGrpcTransport({ baseUrl: `http://${address}`, pingIntervalMs: 600_000 });
  const stream = createClient(IdempotencyService, transport).waitFor({
    targets: [{ key }],
    timeout: { seconds: 300n },
  });
  return stream[Symbol.asyncIterator]();
}

async function readWaiters(server: ServerProcess): Promise<number> {
  const page = await (await fetch(`${server.http}/metrics`)).text();
  return Number(/^holdfast_waiters\{placement="main"\} (\d+)$/m.exec(page)?.[1]);
}

function addressOf(address: string) {
  const { hostname: host, port } = new URL(`http://${address}`);
  return { host, port: Number(port) };
}
