import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { FailKind, LeaseExpiryPolicy } from "../../gen/holdfast/v1/idempotency_pb.ts";
import { createClient, type Holdfast } from "../../src/client/client.ts";
import { createTestDatabase, type TestDatabase } from "../support/database.ts";
import { startCommand } from "./running-command.ts";
import { holdfast, type ServerProcess, startServer } from "./server.ts";

let database: TestDatabase;
let server: ServerProcess;
let client: Holdfast;

beforeAll(async () => {
  database = await createTestDatabase();
  server = await startServer({ databaseUrl: database.url });
  client = createClient({ address: server.grpc });
});

afterAll(async () => {
  await client?.close();
  await server?.[Symbol.asyncDispose]();
  await database?.drop();
});

const SCOPE = "charge";

async function claim(key: string, policy = {}) {
  const { detail } = await client.rpc.claim({ key: { scope: SCOPE, key }, claimId: randomUUID(), policy });
  const handle = detail.case === "acquired" ? detail.value.lease?.handle : undefined;
  if (handle === undefined) throw new Error(`the claim was answered ${detail.case}`);
  return handle;
}

const argsOf = (key: string, ...more: readonly string[]) => [
  "wait",
  key,
  "--scope",
  SCOPE,
  "--server",
  server.grpc,
  ...more,
];

/** Until somebody waits for the record, as its holder is told. */
async function untilWatched(handle: Awaited<ReturnType<typeof claim>>): Promise<void> {
  while (!(await client.rpc.heartbeat({ handle })).hasWaiters);
}

describe("wait ends with the end of the record", () => {
  test("a result, which it prints", async () => {
    const key = randomUUID();
    const handle = await claim(key);
    const waiting = startCommand(argsOf(key));
    await untilWatched(handle);
    const result = { body: { case: "inline" as const, value: Buffer.from("paid") }, contentType: "text/plain" };
    await client.rpc.complete({ handle, result });
    expect(await waiting.ended).toEqual({ code: 0, signal: null, stdout: "paid\n", stderr: "" });
  });

  test("an error, with 7", async () => {
    const key = randomUUID();
    const handle = await claim(key);
    const waiting = startCommand(argsOf(key));
    await untilWatched(handle);
    await client.rpc.fail({ handle, kind: FailKind.TERMINAL, error: { code: 5, message: "no such card" } });
    expect(await waiting.ended).toMatchObject({
      ...{ code: 7, stdout: "" },
      stderr: "holdfast: the work has failed for good: NOT_FOUND: no such card\n",
    });
  });
});

describe("wait ends without it", () => {
  test("at the timeout with 9, and says how to go on", async () => {
    const key = randomUUID();
    await claim(key);
    expect(await holdfast(argsOf(key, "--timeout", "1s"))).toMatchObject({
      ...{ code: 9, stdout: "" },
      stderr: `holdfast: the record has not ended after 1s (--timeout); holdfast keys why ${key} --scope charge tells more\n`,
    });
    const absent = await holdfast(argsOf(randomUUID(), "--timeout", "1s"));
    expect(absent).toMatchObject({
      code: 9,
      stderr: expect.stringMatching(/^holdfast: there is no such record after 1s/),
    });
  });

  test("at the timeout with 8 when nobody knows what became of the work", async () => {
    const key = randomUUID();
    const handle = await claim(key, { onLeaseExpiry: LeaseExpiryPolicy.HOLD });
    await client.rpc.fail({ handle, kind: FailKind.OUTCOME_UNKNOWN });
    const { code, stderr } = await holdfast(argsOf(key, "--timeout", "1s"));
    expect(code).toBe(8);
    expect(stderr).toMatch(/waiting on; .*\nholdfast: nobody knows whether the work was done after 1s/);
  });

  test("at Ctrl-C with 130", async () => {
    const key = randomUUID();
    const handle = await claim(key, { onLeaseExpiry: LeaseExpiryPolicy.HOLD });
    await client.rpc.fail({ handle, kind: FailKind.OUTCOME_UNKNOWN });
    const waiting = startCommand(argsOf(key, "--timeout", "10m"));
    await waiting.said("waiting on");
    waiting.process.kill("SIGINT");
    expect(await waiting.ended).toMatchObject({ code: 130, signal: null, stdout: "" });
  });
});
