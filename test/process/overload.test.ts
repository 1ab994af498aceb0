import { afterAll, beforeAll, expect, test } from "vitest";
import { ClaimOutcome } from "../../gen/holdfast/v1/idempotency_pb.ts";
import { createClient, toHoldfastError } from "../../src/client/client.ts";
import { createTestDatabase, type TestDatabase } from "../support/database.ts";
import { newKey } from "./callers.ts";
import { startServer } from "./server.ts";
import { release } from "./server-pair.ts";
import { claimOf, connect, handleOf, hold } from "./waiting-calls.ts";

let database: TestDatabase;

beforeAll(async () => {
  database = await createTestDatabase();
});

afterAll(async () => {
  await database?.drop();
});

const RESULT = { body: { case: "inline" as const, value: Buffer.from("done") } };

test("a server that is short of memory acquires nothing new, and serves whatever makes the load less", async () => {
  await using calm = await startServer({ databaseUrl: database.url });
  // No process has so little, so it is short from the first looks on.
  await using short = await startServer({ databaseUrl: database.url, args: ["--max-memory", "1MiB"] });
  await short.logged("memory is short: nothing new is acquired");
  using there = connect(calm.grpc);
  using here = connect(short.grpc);

  const refused = await here.claim(claimOf(newKey())).catch((error: unknown) => toHoldfastError(error));
  expect(refused).toMatchObject({ reason: "OVERLOADED", retryAfterMs: expect.any(Number) });

  const key = newKey();
  const claimed = claimOf(key);
  const handle = handleOf(await there.claim(claimed));
  await here.heartbeat({ handle });
  // A claim that was sent once more is told what it holds; another one, that it is held.
  expect((await here.claim(claimed)).outcome).toBe(ClaimOutcome.ACQUIRED);
  expect((await here.claim(claimOf(key))).outcome).toBe(ClaimOutcome.IN_PROGRESS);
  await here.complete({ handle, result: RESULT });
  expect((await here.claim(claimOf(key))).outcome).toBe(ClaimOutcome.COMPLETED);
  await release(here, await hold(there, newKey()));

  const page = await (await fetch(`${short.http}/metrics`)).text();
  expect(page).toContain('holdfast_shedding{guard="memory"} 1\n');
  expect(page).toContain('holdfast_shedding_begun_total{guard="memory"} 1\n');
  // It does not leave its callers to others, who may be as busy.
  expect((await fetch(`${short.http}/readyz`)).status).toBe(200);
  expect(short.lines.filter(({ message }) => message === "memory is short: nothing new is acquired")).toHaveLength(1);

  // The client goes on to the other server by itself.
  await using client = createClient({ addresses: [short.grpc, calm.grpc] });
  const once = () => client.once({ scope: "overload", key: newKey().key, input: null }, () => "done");
  expect((await Promise.all([once(), once(), once(), once()])).map(({ value }) => value)).toEqual(
    Array(4).fill("done"),
  );
});
