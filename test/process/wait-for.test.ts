import { type Client, Code, ConnectError, createClient, type Transport } from "@connectrpc/connect";
import { createConnectTransport, createGrpcTransport, createGrpcWebTransport } from "@connectrpc/connect-node";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  Finish_Reason as FinishReason,
  IdempotencyService,
  LeaseChanged_Kind as LeaseChangedKind,
  type LeaseHandle,
  type WaitForResponse,
  WaitMode,
} from "../../gen/holdfast/v1/idempotency_pb.ts";
import { createTestDatabase, type TestDatabase } from "../support/database.ts";
import { newClaimId, newKey } from "./callers.ts";
import { untilSumIs } from "./metrics-page.ts";
import { type ServerProcess, startServer } from "./server.ts";

const TRANSPORTS: Readonly<Record<string, (server: ServerProcess) => Transport>> = {
  gRPC: ({ grpc }) => createGrpcTransport({ baseUrl: `http://${grpc}` }),
  "Connect JSON": ({ http: baseUrl }) =>
    createConnectTransport({ baseUrl, httpVersion: "1.1", useBinaryFormat: false }),
  "Connect binary": ({ http: baseUrl }) =>
    createConnectTransport({ baseUrl, httpVersion: "1.1", useBinaryFormat: true }),
  "gRPC-Web": ({ http: baseUrl }) => createGrpcWebTransport({ baseUrl, httpVersion: "1.1" }),
};

type Holdfast = Client<typeof IdempotencyService>;

let database: TestDatabase;
let servers: readonly [ServerProcess, ServerProcess];

beforeAll(async () => {
  database = await createTestDatabase();
  const start = () => startServer({ databaseUrl: database.url });
  servers = [await start(), await start()];
}, 120_000);

afterAll(async () => {
  for (const server of servers ?? []) await server[Symbol.asyncDispose]();
  await database?.drop();
});

async function claim({ claim }: Holdfast, key: ReturnType<typeof newKey>, leaseSeconds = 60): Promise<LeaseHandle> {
  const { detail } = await claim({ key, claimId: newClaimId(), lease: { seconds: BigInt(leaseSeconds) } });
  if (detail.case !== "acquired" || detail.value.lease?.handle === undefined) throw new Error("not acquired");
  return detail.value.lease.handle;
}

const RESULT = { body: { case: "inline" as const, value: new TextEncoder().encode("done once") } };

/** The next message, but for keep-alives: how long things take is not what is tested here. */
async function next(stream: AsyncIterator<WaitForResponse>): Promise<WaitForResponse["event"]> {
  for (;;) {
    const { value, done } = await stream.next();
    if (done) throw new Error("the stream has ended");
    if (value.event.case !== "keepAlive") return value.event;
  }
}

const FINISHED = (reason: FinishReason) => ({ case: "finish", value: { reason } });

describe.each(Object.entries(TRANSPORTS))("%s", (_, open) => {
  test("a wait tells of a record from its claim to its result", async () => {
    const client = createClient(IdempotencyService, open(servers[0]));
    const key = newKey();
    const stream = client.waitFor({ targets: [{ key }], includeResult: true })[Symbol.asyncIterator]();
    expect(await next(stream)).toMatchObject({ case: "snapshot", value: { absent: true } });
    const handle = await claim(client, key);
    expect(await next(stream)).toMatchObject({ case: "leaseChanged", value: { kind: LeaseChangedKind.TAKEN_OVER } });
    await client.heartbeat({ handle, progress: { fraction: 0.5, message: "half" } });
    expect(await next(stream)).toMatchObject({ case: "progress", value: { message: "half" } });
    await client.complete({ handle, result: RESULT });
    expect(await next(stream)).toMatchObject({
      case: "ended",
      value: { detail: { case: "completed", value: { attempt: 1, result: RESULT } } },
    });
    expect(await next(stream)).toMatchObject(FINISHED(FinishReason.DONE));
    expect(await stream.next()).toMatchObject({ done: true });
  });

  test("a wait tells of an end that another server has taken", async () => {
    const [client, other] = servers.map((server) => createClient(IdempotencyService, open(server)));
    if (client === undefined || other === undefined) throw new Error("two servers are there");
    const [first, second] = [newKey(), newKey()];
    await claim(client, first);
    const handle = await claim(other, second);
    const targets = [{ key: first }, { key: second }];
    const stream = client.waitFor({ targets, mode: WaitMode.ANY })[Symbol.asyncIterator]();
    expect([await next(stream), await next(stream)]).toMatchObject([{ case: "snapshot" }, { case: "snapshot" }]);
    await other.complete({ handle, result: RESULT });
    const told = [];
    for await (const { targetIndex, event } of { [Symbol.asyncIterator]: () => stream }) {
      if (event.case === "ended") told.push(targetIndex);
      if (event.case === "finish") told.push(event.value.reason);
    }
    expect(told).toEqual([1, FinishReason.DONE]);
  });

  test("a wait for what does not exist, or is other work, fails as every call does", async () => {
    const client = createClient(IdempotencyService, open(servers[0]));
    const read = async (request: Parameters<Holdfast["waitFor"]>[0]) => {
      const failure = await Array.fromAsync(client.waitFor(request)).catch((error: unknown) => error);
      if (!(failure instanceof ConnectError)) throw new Error("expected a failure");
      return { code: failure.code, message: failure.rawMessage };
    };
    const key = newKey();
    const missing = { code: Code.NotFound, message: "targets[0]: there is no such record" };
    expect(await read({ targets: [{ key }], mustExist: true })).toEqual(missing);
    await claim(client, key);
    const fingerprint = { algorithm: "sha-256", digest: new Uint8Array(32) };
    expect(await read({ targets: [{ key: newKey() }, { key, fingerprint }] })).toMatchObject({
      code: Code.AlreadyExists,
      message: expect.stringMatching(/^targets\[1\]: /),
    });
  });

  test("a caller who goes away is waited for no longer", async () => {
    const client = createClient(IdempotencyService, open(servers[0]));
    const leaving = new AbortController();
    const targets = Array.from({ length: 100 }, () => ({ key: newKey() }));
    const stream = client.waitFor({ targets }, { signal: leaving.signal })[Symbol.asyncIterator]();
    for (let told = 0; told < 100; told++) await next(stream);
    const ended = stream.next();
    leaving.abort();
    await expect(ended).rejects.toMatchObject({ code: Code.Canceled });
    await untilSumIs([servers[0]], 'holdfast_waiters{placement="main"}', 0);
    await untilSumIs([servers[0]], 'holdfast_waited_keys{placement="main"}', 0);
    await untilSumIs([servers[0]], 'holdfast_waiting_calls{placement="main"}', 0);
  });

  test("a server that shuts down finishes its waits, loses none and ends with 0", async () => {
    // Less than the clients keep an idle connection: none of them may hold the drain up.
    await using server = await startServer({ databaseUrl: database.url, args: ["--drain-grace", "4s"] });
    const client = createClient(IdempotencyService, open(server));
    const key = newKey();
    await claim(client, key);
    const streams = Array.from({ length: 5 }, () => client.waitFor({ targets: [{ key }] })[Symbol.asyncIterator]());
    for (const stream of streams) expect(await next(stream)).toMatchObject({ case: "snapshot" });
    server.signal("SIGTERM");
    for (const stream of streams) {
      expect(await next(stream)).toMatchObject(FINISHED(FinishReason.DRAINING));
      expect(await stream.next()).toMatchObject({ done: true });
    }
    expect(await server.exited).toEqual({ code: 0, signal: null });
    expect(await server.logged("stopped")).toMatchObject({ clean: true });
  });
});

test("a lease that runs out and is nobody's any more is told to who waits", async () => {
  const client = createClient(IdempotencyService, createGrpcTransport({ baseUrl: `http://${servers[0].grpc}` }));
  const key = newKey();
  await claim(client, key, 1);
  const stream = client.waitFor({ targets: [{ key }] })[Symbol.asyncIterator]();
  expect(await next(stream)).toMatchObject({ case: "snapshot" });
  const lapsed = { kind: LeaseChangedKind.LAPSED, attempt: 1 };
  expect(await next(stream)).toMatchObject({ case: "leaseChanged", value: lapsed });
  await claim(client, key);
  const taken = { kind: LeaseChangedKind.TAKEN_OVER, attempt: 2 };
  expect(await next(stream)).toMatchObject({ case: "leaseChanged", value: taken });
});

test("a wait whose time is over says so", async () => {
  const client = createClient(IdempotencyService, createGrpcTransport({ baseUrl: `http://${servers[0].grpc}` }));
  const told = await Array.fromAsync(client.waitFor({ targets: [{ key: newKey() }], timeout: { seconds: 1n } }));
  expect(told.map(({ event }) => event)).toMatchObject([{ case: "snapshot" }, FINISHED(FinishReason.TIMEOUT)]);
});
