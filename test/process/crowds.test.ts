import { readFile } from "node:fs/promises";
import { createClient } from "@connectrpc/connect";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type ClaimResponse, IdempotencyService } from "../../gen/holdfast/v1/idempotency_pb.ts";
import { createGrpcTransport, type GrpcTransport } from "../../src/client/grpc-transport.ts";
import { createTestDatabase, type TestDatabase } from "../support/database.ts";
import { newClaimId, newKey } from "./callers.ts";
import { readMetrics, sumOf, untilSumIs } from "./metrics-page.ts";
import { type ServerProcess, startServer } from "./server.ts";

/** Claims that were handed over to take the record, found it taken meanwhile, and were sent to read it anew. */
const OVERTAKEN = 'holdfast_undecided_total{statement="reclaim"}';
const CLAIM_ROWS = 'holdfast_batch_rows_sum{statement="claim"}';
const PEEK_ROWS = 'holdfast_batch_rows_sum{statement="peek"}';
const WAITING = 'holdfast_waiting_calls{placement="main"}';
/** What a server takes on one connection. */
const STREAMS = 1_000;
const MIB = 1024 * 1024;

let database: TestDatabase;
let servers: readonly ServerProcess[] = [];
const open: GrpcTransport[] = [];

beforeAll(async () => {
  database = await createTestDatabase();
  servers = await Promise.all(Array.from({ length: 3 }, () => startServer({ databaseUrl: database.url })));
}, 120_000);

afterAll(async () => {
  for (const transport of open) transport.close();
  await Promise.all(servers.map((server) => server[Symbol.asyncDispose]()));
  await database?.drop();
});

/** A connection of its own. */
function connect(server: ServerProcess | undefined) {
  const transport = createGrpcTransport({ addresses: [server?.grpc ?? ""] });
  open.push(transport);
  return createClient(IdempotencyService, transport);
}

const claimOf = (key: ReturnType<typeof newKey>, waitSeconds = 0, leaseSeconds = 30) => ({
  key,
  claimId: newClaimId(),
  wait: { seconds: BigInt(waitSeconds) },
  lease: { seconds: BigInt(leaseSeconds) },
});

const LEASE_SECONDS = 5;

const LONG = { timeoutMs: 90_000 };

function handleOf({ detail }: ClaimResponse) {
  if (detail.case !== "acquired" || detail.value.lease?.handle === undefined)
    throw new Error(`not acquired: ${detail.case}`);
  return detail.value.lease.handle;
}

function resultOf({ detail }: ClaimResponse): string {
  if (detail.case !== "completed" || detail.value.result?.body.case !== "inline") return String(detail.case);
  return Buffer.from(detail.value.result.body.value).toString();
}

/**
 * Of each server. A claim goes to claim.sql when it is submitted, and again when it was overtaken: it is one claim all the
 * same.
 */
function claimsSent(): Promise<number[]> {
  return Promise.all(
    servers.map(async (server) => {
      const page = await readMetrics(server);
      return (page.get(CLAIM_ROWS) ?? Number.NaN) - (page.get(OVERTAKEN) ?? Number.NaN);
    }),
  );
}

test("of a thousand claims that wait over three servers one is promoted when the holder dies, and 999 get its result", async () => {
  const key = newKey();
  const holder = connect(servers[0]);
  const handle = handleOf(await holder.claim(claimOf(key, 0, LEASE_SECONDS)));
  const clients = servers.map(connect);
  const promoted = Promise.withResolvers<ClaimResponse>();
  const waiting = Array.from({ length: 1_000 }, async (_, i) => {
    const answer = await clients[i % 3]?.claim(claimOf(key, 60, 30), LONG);
    if (answer === undefined) throw new Error("no answer");
    if (answer.detail.case === "acquired") promoted.resolve(answer);
    return answer;
  });
  // Alive until all of them wait, however long that takes.
  while ((await sumOf(servers, WAITING)) < 1_000) {
    await holder.heartbeat({ handle, lease: { seconds: BigInt(LEASE_SECONDS) } });
  }
  const before = await claimsSent();
  const winner = await promoted.promise;
  expect(winner.detail).toMatchObject({ value: { lease: { attempt: 2 } } });
  await clients[0]?.complete({
    handle: handleOf(winner),
    result: { body: { case: "inline", value: Buffer.from("done once") } },
  });
  const answers = await Promise.all(waiting);
  expect(answers.filter(({ detail }) => detail.case === "acquired")).toHaveLength(1);
  expect(answers.filter((answer) => resultOf(answer) === "done once")).toHaveLength(999);
  const sent = (await claimsSent()).map((claims, i) => claims - (before[i] ?? Number.NaN));
  expect(Math.max(...sent), `each server sends the claim of its oldest waiter, and no other: ${sent}`).toBe(1);
});

test("ten thousand waiters of one key on one server are all told of its end after at most two reads, in less than 450 MB", async () => {
  await using server = await startServer({ databaseUrl: database.url });
  const [key, other] = [newKey(), connect(servers[0])];
  const holder = await other.claim(claimOf(key, 0, 300));
  const waiting: Promise<ClaimResponse>[] = [];
  // One connection after the other: a server that is sent ten thousand calls at one instant sheds some of them.
  for (let connection = 1; connection <= 10_000 / STREAMS; connection++) {
    const client = connect(server);
    for (let i = 0; i < STREAMS; i++) waiting.push(client.claim(claimOf(key, 60), LONG));
    await untilSumIs([server], WAITING, connection * STREAMS);
  }
  const readsBefore = await sumOf([server], PEEK_ROWS);
  await other.complete({
    handle: handleOf(holder),
    result: { body: { case: "inline", value: Buffer.from("for all") } },
  });
  const answers = await Promise.all(waiting);
  expect(answers.filter((answer) => resultOf(answer) === "for all")).toHaveLength(10_000);
  expect((await sumOf([server], PEEK_ROWS)) - readsBefore).toBeLessThanOrEqual(2);
  expect(await peakBytes(server)).toBeLessThan(450 * MIB);
  await untilSumIs([server], WAITING, 0);
});

/** The most that the process ever had, where the system keeps count of that; otherwise what it has now. */
async function peakBytes(server: ServerProcess): Promise<number> {
  const status = await readFile(`/proc/${server.pid}/status`, "utf8").catch(() => "");
  const peakKiB = /VmHWM:\s+(\d+)/.exec(status)?.[1];
  if (peakKiB !== undefined) return Number(peakKiB) * 1024;
  return (await readMetrics(server)).get("process_resident_memory_bytes") ?? Number.NaN;
}
