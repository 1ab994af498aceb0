import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:net";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { LeaseExpiryPolicy } from "../../gen/holdfast/v1/idempotency_pb.ts";
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

const run = (...args: readonly string[]) => holdfast([...args, "--server", server.grpc]);

/** Claims a key, and leaves it to whatever becomes of it. */
async function claim(scope: string, key: string, policy = {}) {
  const owner = { service: "billing", instance: "worker-7" };
  const lease = { seconds: 1n, nanos: 0 };
  const { detail } = await client.rpc.claim({ key: { scope, key }, claimId: randomUUID(), owner, lease, policy });
  if (detail.case !== "acquired") throw new Error(`the claim was answered ${detail.case}`);
  return { handle: detail.value.lease?.handle };
}

/** Until its holder's lease is over, and nobody knows what became of the work. */
async function untilUnknown(scope: string): Promise<string> {
  for (;;) {
    const { stdout } = await run("keys", "list", "--stuck", "--scope", scope, "--output", "json");
    if (stdout !== "") return stdout;
  }
}

test("an outcome that nobody knows is found, explained and resolved by what the explanation says", async () => {
  const scope = randomUUID();
  await claim(scope, "order 17", { onLeaseExpiry: LeaseExpiryPolicy.HOLD });
  const waiting = startCommand(["wait", "order 17", "--scope", scope, "--server", server.grpc]);
  expect(JSON.parse(await untilUnknown(scope))).toMatchObject({
    key: { tenant: "default", scope, key: "order 17" },
    stuck: "STUCK_REASON_OUTCOME_UNKNOWN",
    owner: { service: "billing", instance: "worker-7" },
  });
  await waiting.said("nobody knows whether the work was done");

  const why = await run("keys", "why", "order 17", "--scope", scope);
  expect(why).toMatchObject({ code: 0, stderr: "" });
  expect(why.stdout).toContain("Nobody knows whether attempt 1 (billing/worker-7) did its work.");
  const command = `keys resolve 'order 17' --scope ${scope} --completed-json 'RESULT' --reason 'WHY' --server ${server.grpc}`;
  expect(why.stdout).toContain(`holdfast ${command}\n`);

  const reason = ["--reason", "seen at the bank"];
  const resolved = await run(
    "keys",
    "resolve",
    "order 17",
    "--scope",
    scope,
    "--completed-json",
    '{"ok":true}',
    ...reason,
  );
  expect(resolved).toMatchObject({ code: 0, stderr: "" });
  expect(resolved.stdout).toMatch(/ is completed now /);
  expect(await waiting.ended).toMatchObject({ code: 0, stdout: '{"ok":true}\n' });
  expect((await run("keys", "why", "order 17", "--scope", scope)).stdout).toContain(
    ': "seen at the bank" (audit line ',
  );
});

test("a lease that an operator has taken away is the next claim's, and its holder's no more", async () => {
  const scope = randomUUID();
  const { handle } = await claim(scope, "k");
  expect(await run("keys", "release", "k", "--scope", scope, "--reason", "hangs", "--yes")).toMatchObject({ code: 0 });
  const result = { body: { case: "inline" as const, value: new Uint8Array() } };
  await expect(client.rpc.complete({ ...(handle && { handle }), result })).rejects.toThrow(/aborted/);
  await claim(scope, "k");
  expect(await run("keys", "release", "k", "--scope", scope, "--reason", "again", "--yes")).toMatchObject({ code: 0 });
  expect(await run("keys", "release", "k", "--scope", scope, "--reason", "again")).toMatchObject({
    code: 5,
    stdout: "",
  });
  expect(await run("keys", "reset", "k", "--scope", scope, "--reason", "anew")).toMatchObject({ code: 0 });
  expect(await run("keys", "purge", "k", "--scope", scope, "--reason", "gone", "--yes")).toMatchObject({ code: 0 });
  expect(await run("keys", "get", "k", "--scope", scope)).toMatchObject({ code: 4, stdout: "" });
});

test("keys of odd bytes are listed as a shell takes them, and found by what is listed", async () => {
  const scope = randomUUID();
  for (const key of ["-rf", "--help", "it's", "\u001b[2J", "東京 ♥"]) {
    await claim(scope, key);
    const named = ["--scope", scope, "--output", "json", "--server", server.grpc, "--", key];
    const { code, stdout } = await holdfast(["keys", "get", ...named]);
    expect({ key, code }).toEqual({ key, code: 0 });
    expect(JSON.parse(stdout).record.key.key).toBe(key);
  }
  const { stdout } = await run("keys", "list", "--scope", scope);
  for (const shown of ["  -rf  ", "  --help  ", "  'it'\\''s'  ", "  $'\\033[2J'  ", "  '東京 ♥'  "]) {
    expect(stdout.replaceAll(/ {2,}/g, "  ")).toContain(shown);
  }
});

describe("a command that is cut off", () => {
  test("ends quietly with 0 when whoever reads it has seen enough", async () => {
    const scope = randomUUID();
    for (let i = 0; i < 30; i++) await Promise.all(Array.from({ length: 50 }, (_, j) => claim(scope, `${i} ${j}`)));
    const { process: child, ended } = startCommand([
      ...["keys", "list", "--scope", scope, "--all", "--output", "json", "--server", server.grpc],
    ]);
    await once(child.stdout, "data");
    child.stdout.destroy();
    expect(await ended).toMatchObject({ code: 0, signal: null, stderr: "" });
  });

  test.each([
    ["SIGINT", 130],
    ["SIGTERM", 143],
  ] as const)("by %s ends at once with %d, and without a word", async (signal, code) => {
    // Something that takes calls and answers none.
    const silent = createServer().listen(0, "127.0.0.1");
    await once(silent, "listening");
    const { port } = silent.address() as { readonly port: number };
    const connected = once(silent, "connection");
    const running = startCommand(["keys", "list", "--server", `127.0.0.1:${port}`, "--timeout", "1m"]);
    const [socket] = await connected;
    running.process.kill(signal);
    expect(await running.ended).toEqual({ code, signal: null, stdout: "", stderr: "" });
    socket.destroy();
    silent.close();
  });
});

test("a server that wants to know who calls is told to whoever has no key, with 6", async () => {
  await using own = await startServer({ databaseUrl: database.url, args: ["--auth", "api-key"] });
  for (const args of [["keys", "list"], ["wait", "k", "--scope", "s"], ["bench"]]) {
    const { code, stdout, stderr } = await holdfast([...args, "--server", own.grpc]);
    expect({ args, code, stdout }).toEqual({ args, code: 6, stdout: "" });
    expect(stderr).toContain("HOLDFAST_API_KEY");
  }
});

test("bench measures a server, and leaves records that go after a minute", async () => {
  const scope = `bench-${randomUUID()}`;
  const args = ["bench", "--duration", "1s", "--concurrency", "4", "--scope", scope, "--output", "json"];
  const { code, stdout } = await run(...args);
  expect(code).toBe(0);
  const report = JSON.parse(stdout);
  expect(report).toMatchObject({ mode: "pairs", concurrency: 4, errors: {} });
  expect(report.rounds).toBeGreaterThan(0);
  const list = await run("keys", "list", "--scope", scope, "--limit", "1", "--output", "json");
  const { key } = JSON.parse(list.stdout);
  const get = await run("keys", "get", key.key, "--scope", scope, "--output", "json");
  expect(JSON.parse(get.stdout).record.policy).toMatchObject({ resultRetention: "60s", tombstoneRetention: "0s" });
});
