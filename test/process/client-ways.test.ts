import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { Role } from "../../gen/holdfast/v1/admin_pb.ts";
import { freePorts } from "../../src/cli/demo/ports.ts";
import { createAdminClient } from "../../src/client/admin.ts";
import { type HoldfastError, outcomeUnknown, type Token, type WaitEvent } from "../../src/client/client.ts";
import { createGrpcTransport } from "../../src/client/grpc-transport.ts";
import { createTestDatabase, type TestDatabase } from "../support/database.ts";
import { startTcpProxy } from "../support/tcp-proxy.ts";
import { WAYS } from "./client-ways.ts";
import { sumOf, untilSumIs } from "./metrics-page.ts";
import { holdfast as command, type ServerProcess, startServer } from "./server.ts";

let database: TestDatabase;
let server: ServerProcess;
/** The same records, for whoever has an API key. */
let guarded: ServerProcess;
let apiKey: string;
let stack: AsyncDisposableStack;

beforeAll(async () => {
  database = await createTestDatabase();
  const databaseUrl = database.url;
  [server, guarded] = await Promise.all([
    startServer({ databaseUrl }),
    startServer({ databaseUrl, args: ["--auth", "api-key"] }),
  ]);
  const transport = createGrpcTransport({ addresses: [server.grpc] });
  const admin = createAdminClient(transport);
  const limits = { newRecordsPerSecond: 1, newRecordsBurst: 1 };
  for (const tenantId of WAYS.map((_, i) => `slow-${i}`))
    await admin.registerTenant({ registration: { tenantId, limits } });
  transport.close();
  const bootstrap = (await command(["admin", "bootstrap", "--database-url", databaseUrl])).stdout.trimEnd();
  const asAdmin = createGrpcTransport({ addresses: [guarded.grpc] });
  const headers = { authorization: `Bearer ${bootstrap}` };
  const made = await createAdminClient(asAdmin).createApiKey({ tenantId: "default", roles: [Role.CLAIM] }, { headers });
  apiKey = made.secret;
  asAdmin.close();
});

beforeEach(() => {
  stack = new AsyncDisposableStack();
});

afterEach(() => stack.disposeAsync());

afterAll(async () => {
  await Promise.all([server?.stop(), guarded?.stop()]);
  await database?.drop();
});

describe.each(WAYS.map((way, i) => ({ ...way, i })))("over $way", ({ way, reach, open, i }) => {
  const job = (key: string) => ({ scope: way, key, input: { amount: 4200 } });

  async function client(options: Parameters<typeof open>[1] = {}, at = server) {
    return stack.use(open([await reach(at, stack)], options));
  }

  test("work is done once and replayed, JSON and bytes, small and large", async () => {
    const holdfast = await client();
    const values = [{ charge: "ch_1" }, undefined, new Uint8Array([0, 255]), "é".repeat(50_000), new Uint8Array(2_000)];
    for (const [n, value] of values.entries()) {
      const first = await holdfast.once(job(`values ${n}`), () => value);
      const second = await holdfast.once(job(`values ${n}`), () => "another");
      expect([first.replayed, second.replayed]).toEqual([false, true]);
      expect([first.value, second.value]).toEqual([value, value]);
    }
  });

  test("the same key for other work is told, with the reason of the server", async () => {
    const holdfast = await client();
    await holdfast.once(job("other work"), () => 1);
    const again = holdfast.once({ ...job("other work"), input: "other" }, () => 1);
    await expect(again).rejects.toMatchObject({ name: "FingerprintMismatchError", reason: "FINGERPRINT_MISMATCH" });
  });

  test("who waits gets the result, and who gives up is gone from the server", async () => {
    const holdfast = await client();
    const [running, finish] = [Promise.withResolvers<void>(), Promise.withResolvers<string>()];
    const first = holdfast.once(job("waited for"), () => {
      running.resolve();
      return finish.promise;
    });
    await running.promise;
    const waiting = [1, 2, 3].map(() => holdfast.once(job("waited for"), () => "a second run"));
    const giving = new AbortController();
    const given = holdfast.once({ ...job("waited for"), signal: giving.signal }, () => "a second run");
    await untilSumIs([server], WAITING, 4);
    giving.abort(new Error("enough"));
    await expect(given).rejects.toThrow("enough");
    await untilSumIs([server], WAITING, 3);
    finish.resolve("done");
    const done = await Promise.all([first, ...waiting]);
    expect(done.map(({ value, replayed }) => [value, replayed])).toEqual([
      ["done", false],
      ...Array(3).fill(["done", true]),
    ]);
  });

  test("waitFor goes on where it was when its connection is lost", async () => {
    const [host = "", port = ""] = (await reach(server, stack)).split(":");
    const proxy = stack.use(await startTcpProxy({ host, port: Number(port) }));
    const holdfast = await client();
    const watching = stack.use(open([`127.0.0.1:${proxy.port}`]));
    const events: WaitEvent[] = [];
    const seen = {
      snapshot: Promise.withResolvers<void>(),
      "lease-changed": Promise.withResolvers<void>(),
      checkpoint: Promise.withResolvers<void>(),
    };
    const reading = (async () => {
      for await (const event of watching.waitFor([{ scope: way, key: "watched" }])) {
        events.push(event);
        if (event.kind in seen) seen[event.kind as keyof typeof seen].resolve();
      }
    })();
    await seen.snapshot.promise;
    await holdfast.once(job("watched"), async (attempt) => {
      await seen["lease-changed"].promise;
      await attempt.checkpoint({ page: 3 }, { name: "half" });
      await seen.checkpoint.promise;
      proxy.cut();
      return "watched";
    });
    await reading;
    expect(events).toMatchObject([
      { kind: "snapshot", record: undefined },
      { kind: "lease-changed", change: "taken-over" },
      { kind: "checkpoint", checkpoint: { name: "half", data: { page: 3 } } },
      { kind: "ended", end: { kind: "completed", value: "watched", attempt: 1 } },
    ]);
  });

  test("an unknown outcome is reconciled", async () => {
    const holdfast = await client();
    const held = { ...job("unknown"), onLeaseExpiry: "hold" } as const;
    const work = holdfast.once(held, (attempt) =>
      attempt.setExternalRef("pi_3").then(() => Promise.reject(outcomeUnknown("lost"))),
    );
    await expect(work).rejects.toThrow("lost");
    await expect(holdfast.once(held, () => 1)).rejects.toMatchObject({ name: "OutcomeUnknownError" });
    const reconciled = await holdfast.reconcile({ scope: way, key: "unknown" }, async ({ externalRef }) => ({
      done: `found ${externalRef}`,
    }));
    expect(reconciled.kind).toBe("settled");
    expect((await holdfast.once(held, () => 1)).value).toBe("found pi_3");
  });

  test("a token that the server refuses is fetched once more", async () => {
    const given: string[] = [];
    const token: Token = async () => {
      given.push(given.length === 0 ? "expired" : apiKey);
      return given.at(-1) ?? "";
    };
    const holdfast = await client({ token }, guarded);
    expect(await holdfast.once(job("token"), () => "let in")).toMatchObject({ value: "let in", replayed: false });
    expect(given.slice(0, 2)).toEqual(["expired", apiKey]);
    const refused = await client({ apiKey: "hf_wrong" }, guarded);
    await expect(refused.once(job("refused"), () => 1)).rejects.toMatchObject({ reason: "CREDENTIALS_INVALID" });
  });

  test("a refusal that says when to come again is obeyed", async () => {
    const holdfast = await client({ tenant: `slow-${i}` });
    const before = await sumOf([server], REFUSED);
    await holdfast.once(job("quota 1"), () => 1);
    expect((await holdfast.once(job("quota 2"), () => 2)).replayed).toBe(false);
    const refusals = (await sumOf([server], REFUSED)) - before;
    expect(refusals).toBeGreaterThan(0);
    // Whoever did not wait as it was told would have asked five times in that second.
    expect(refusals).toBeLessThanOrEqual(2);
  });

  test("servers that are not there are passed over, and the error names all of them when none is", async () => {
    const here = await reach(server, stack);
    const [one, two] = (await freePorts(2)).map((port) => `127.0.0.1:${port}`) as [string, string];
    const some = stack.use(open([one, here, two]));
    for (let n = 0; n < 6; n++) await some.once(job(`passed over ${n}`), () => n);
    const none = stack.use(open([one, two], { retry: { totalTimeoutMs: 500 } }));
    const failed = none.once(job("nobody"), () => 1);
    const error: HoldfastError = await failed.catch((thrown) => thrown);
    expect(error.message).toContain(`no server answered at ${[one, two].sort().join(", ")}: `);
    expect(error.message).toContain("ECONNREFUSED");
  });

  test("close() ends what waits, and lets nothing be called any more", async () => {
    const holdfast = await client();
    const reading = holdfast.waitFor([{ scope: way, key: "never" }]);
    expect((await reading.next()).value).toMatchObject({ kind: "snapshot" });
    const next = reading.next();
    const raw = holdfast.rpc.waitFor({ targets: [{ key: { scope: way, key: "never" } }], timeout: { seconds: 60n } });
    const messages = raw[Symbol.asyncIterator]();
    await messages.next();
    const rest = messages.next();
    next.catch(() => undefined);
    await holdfast.close();
    await expect(next).rejects.toMatchObject({ reason: "CLOSED" });
    // By an error, or by a server that was told in time.
    await Promise.allSettled([rest]);
    await expect(holdfast.rpc.getRecord({ key: { scope: way, key: "never" } })).rejects.toThrow("the client is closed");
  });
});

const WAITING = 'holdfast_waiting_calls{placement="main"}';
const REFUSED = 'holdfast_refusals_total{reason="QUOTA_NEW_RECORDS",blame="caller"}';
