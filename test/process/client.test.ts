import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { createTestDatabase, type TestDatabase } from "../support/database.ts";
import { type JsonProcess, spawnNode } from "./client-process.ts";
import { type ServerProcess, startServer } from "./server.ts";

const run = promisify(execFile);

let database: TestDatabase;
let servers: readonly ServerProcess[] = [];
const started: JsonProcess[] = [];

beforeAll(async () => {
  database = await createTestDatabase();
  servers = await Promise.all([start(), start()]);
});

afterEach(async () => {
  for (const worker of started.splice(0)) {
    worker.kill("SIGKILL");
    await worker.exit;
  }
});

afterAll(async () => {
  await Promise.all(servers.map((server) => server.stop()));
  await database?.drop();
});

const start = () => startServer({ databaseUrl: database.url });
const addresses = () => servers.map(({ grpc }) => grpc).join(",");

function work(options: object, at = addresses()): JsonProcess {
  const worker = spawnNode(["test/process/client-worker.ts", at, JSON.stringify({ scope: "process", ...options })]);
  started.push(worker);
  return worker;
}

describe("the example", () => {
  test("runs as printed: charges once, and says so the second time", async () => {
    const [{ grpc } = { grpc: "" }] = servers;
    const example = () => run(process.execPath, ["examples/typescript/once.ts", grpc]);
    const first = await example();
    const second = await example();
    const charge = /charged now: (\S+)/.exec(first.stdout)?.[1] ?? "missing";
    expect(first.stdout).toMatch(/^charging order-1042: attempt 1, fence \d+\n/);
    expect(second.stdout).toBe(`charged before: ${charge}\n`);
    expect([first.stderr, second.stderr]).toEqual(["", ""]);
  });
});

describe("client processes", () => {
  test("that race for one key run it once, and all get the same", async () => {
    const racers = Array.from({ length: 8 }, () => work({ key: "race", workMs: 200, leaseMs: 5_000 }));
    const done = await Promise.all(racers.map((racer) => racer.line({ event: "done" })));
    expect(done.filter(({ replayed }) => replayed === false)).toHaveLength(1);
    expect(new Set(done.map(({ value }) => JSON.stringify(value))).size).toBe(1);
    expect(await Promise.all(racers.map(({ exit }) => exit))).toEqual(Array(8).fill(0));
  });

  test("hold a record past its first lease by heartbeats", async () => {
    const holder = work({ key: "long", leaseMs: 1_000, workMs: 3_500 });
    await holder.line({ event: "working", attempt: 1 });
    const other = work({ key: "long", leaseMs: 1_000, workMs: 0 });
    expect(await holder.line({ event: "done" })).toMatchObject({ replayed: false, attempt: 1 });
    expect(await other.line({ event: "done" })).toMatchObject({ replayed: true, attempt: 1 });
  });

  test("take over from one that was killed", async () => {
    const victim = work({ key: "killed", leaseMs: 1_000 });
    await victim.line({ event: "working" });
    victim.kill("SIGKILL");
    const heir = work({ key: "killed", leaseMs: 1_000, workMs: 0 });
    expect(await heir.line({ event: "done" })).toMatchObject({ replayed: false, attempt: 2, reason: "takeover" });
  });

  test("find an unknown outcome under hold, where one was killed", async () => {
    const victim = work({ key: "held", leaseMs: 1_000, onLeaseExpiry: "hold" });
    await victim.line({ event: "working" });
    victim.kill("SIGKILL");
    const next = work({ key: "held", leaseMs: 1_000, onLeaseExpiry: "hold", workMs: 0 });
    expect(await next.line({ event: "failed" })).toMatchObject({ name: "OutcomeUnknownError" });
  });

  test("that were suspended past their lease are told so, and store nothing", async () => {
    const sleeper = work({ key: "suspended", leaseMs: 1_000 });
    await sleeper.line({ event: "working" });
    sleeper.kill("SIGSTOP");
    const heir = work({ key: "suspended", leaseMs: 1_000, workMs: 0 });
    const stored = await heir.line({ event: "done" });
    expect(stored).toMatchObject({ attempt: 2, reason: "takeover" });
    sleeper.kill("SIGCONT");
    await sleeper.line({ event: "aborted" });
    sleeper.tell();
    expect(await sleeper.line({ event: "failed" })).toMatchObject({ name: "LeaseLostError" });
    const replay = await work({ key: "suspended", leaseMs: 1_000 }).line({ event: "done" });
    expect(replay).toMatchObject({ replayed: true, value: stored["value"] });
  });

  test("go on when a server of theirs is killed", async () => {
    await using victim = await start();
    const worker = work({ key: "server killed", leaseMs: 2_000, workMs: 4_000 }, `${victim.grpc},${addresses()}`);
    await worker.line({ event: "working" });
    victim.signal("SIGKILL");
    expect(await worker.line({ event: "done" })).toMatchObject({ replayed: false, attempt: 1 });
    expect(await worker.exit).toBe(0);
  });
});
