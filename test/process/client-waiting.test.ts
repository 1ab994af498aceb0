import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { createClient, type Holdfast, type WaitEvent } from "../../src/client/client.ts";
import { createTestDatabase, type TestDatabase } from "../support/database.ts";
import { type JsonProcess, spawnNode } from "./client-process.ts";
import { readMetrics, untilSumIs } from "./metrics-page.ts";
import { ownAddresses } from "./own-address.ts";
import { type ServerProcess, startServer } from "./server.ts";

let database: TestDatabase;
let servers: readonly ServerProcess[] = [];
const workers: JsonProcess[] = [];
const clients: Holdfast[] = [];

beforeAll(async () => {
  database = await createTestDatabase();
  servers = await Promise.all([start(), start()]);
});

afterEach(async () => {
  await Promise.all(clients.splice(0).map((client) => client.close()));
  for (const worker of workers.splice(0)) {
    worker.kill("SIGKILL");
    await worker.exit;
  }
});

afterAll(async () => {
  await Promise.all(servers.map((server) => server.stop()));
  await database?.drop();
});

const start = (args: readonly string[] = []) => startServer({ databaseUrl: database.url, args });
const addresses = () => servers.map(({ grpc }) => grpc);

function client(at = addresses()): Holdfast {
  const holdfast = createClient({ addresses: at });
  clients.push(holdfast);
  return holdfast;
}

function hold(options: object): JsonProcess {
  const args = [addresses().join(","), JSON.stringify({ scope: "waiting", ...options })];
  const worker = spawnNode(["test/process/client-worker.ts", ...args]);
  workers.push(worker);
  return worker;
}

/** Calls of this method that the two servers have answered. */
async function handled(method: string): Promise<number> {
  const pages = await Promise.all(servers.map(readMetrics));
  const samples = pages.flatMap((page) => [...page]);
  const of = samples.filter(
    ([name]) => name.startsWith("grpc_server_handled_total{") && name.includes(`grpc_method="${method}"`),
  );
  return of.reduce((sum, [, count]) => sum + count, 0);
}

describe("callers who wait", () => {
  test("get one result of one run, 50 of them over two servers, and each has asked once", async () => {
    const before = await handled("Claim");
    const [one, other] = [client(), client()];
    const running = Promise.withResolvers<void>();
    const finish = Promise.withResolvers<void>();
    let runs = 0;
    const work = async () => {
      runs++;
      running.resolve();
      await finish.promise;
      return { pid: process.pid, list: [1, 2.5] };
    };
    const job = { scope: "waiting", key: "fifty", input: null };
    const all = Array.from({ length: 50 }, (_, i) => (i % 2 === 0 ? one : other).once(job, work));
    await running.promise;
    // Long enough for whoever would ask again to have done so.
    await new Promise((resolve) => setTimeout(resolve, 2_000));
    finish.resolve();
    const done = await Promise.all(all);
    expect(runs).toBe(1);
    expect(new Set(done.map(({ value }) => JSON.stringify(value))).size).toBe(1);
    expect(done.filter(({ replayed }) => !replayed)).toHaveLength(1);
    expect((await handled("Claim")) - before).toBe(50);
  });

  test("go on when the holder is killed: one takes over, and the others get its result", async () => {
    const key = "holder killed";
    const victim = hold({ key, leaseMs: 2_000 });
    await victim.line({ event: "working" });
    const before = await handled("Claim");
    const [one, other] = [client(), client()];
    const job = { scope: "waiting", key, input: null, leaseMs: 5_000 };
    let runs = 0;
    const all = Array.from({ length: 10 }, (_, i) => (i % 2 === 0 ? one : other).once(job, () => ++runs));
    victim.kill("SIGKILL");
    const done = await Promise.all(all);
    expect(done.map(({ value, attempt }) => [value, attempt])).toEqual(Array(10).fill([1, 2]));
    expect(done.filter(({ replayed }) => !replayed)).toMatchObject([{ reason: "takeover" }]);
    // Each once, and once more to confirm the lease that came late.
    expect((await handled("Claim")) - before).toBeLessThanOrEqual(11);
  });

  test("and give up are gone from the server at once", async () => {
    const key = "given up";
    const holder = hold({ key });
    await holder.line({ event: "working" });
    const holdfast = client();
    const job = { scope: "waiting", key, input: null };
    const waiting = Array.from({ length: 4 }, () => holdfast.once(job, () => 1).catch((thrown) => thrown));
    await untilSumIs(servers, 'holdfast_waiting_calls{placement="main"}', 4);
    await holdfast.close();
    expect(await Promise.all(waiting)).toMatchObject(Array(4).fill({ reason: "CLOSED" }));
    await untilSumIs(servers, 'holdfast_waiting_calls{placement="main"}', 0);
    holder.tell();
    expect(await holder.line({ event: "done" })).toMatchObject({ replayed: false, attempt: 1 });
  });
});

describe("waitFor", () => {
  test.each(["SIGTERM", "SIGKILL"] as const)("goes on over a server that is restarted after %s", async (signal) => {
    const key = `restarted after ${signal}`;
    const [at] = await ownAddresses(1);
    const first = await start(at);
    const events: WaitEvent[] = [];
    const seen = Promise.withResolvers<void>();
    const reading = (async () => {
      for await (const event of client([first.grpc]).waitFor([{ scope: "waiting", key }])) {
        events.push(event);
        if (event.kind === "lease-changed") seen.resolve();
      }
    })();
    const holder = hold({ key });
    await holder.line({ event: "working" });
    await seen.promise;
    first.signal(signal);
    await first.exited;
    await using second = await start(at);
    expect(second.grpc).toBe(first.grpc);
    holder.tell();
    const { value } = await holder.line({ event: "done" });
    await reading;
    expect(events).toMatchObject([
      { kind: "snapshot", record: undefined },
      { kind: "lease-changed", change: "taken-over", attempt: 1 },
      { kind: "ended", end: { kind: "completed", value, attempt: 1 } },
    ]);
  });

  test("of ten records on two servers ends when the last of them has", async () => {
    const holdfast = client();
    const names = Array.from({ length: 10 }, (_, i) => ({ scope: "waiting", key: `ten ${i}` }));
    const ends: unknown[] = [];
    const reading = (async () => {
      for await (const event of holdfast.waitFor(names)) if (event.kind === "ended") ends.push(event.end);
    })();
    for (const name of names) await holdfast.once({ ...name, input: null }, () => name.key);
    await reading;
    expect(ends).toHaveLength(10);
    expect(await holdfast.result(names[9] ?? { scope: "", key: "" })).toBe("ten 9");
  });
});
