import { once } from "node:events";
import { createConnection } from "node:net";
import { afterAll, beforeAll, expect, test } from "vitest";
import { ClaimOutcome } from "../../gen/holdfast/v1/idempotency_pb.ts";
import { createClient } from "../../src/client/client.ts";
import { createTestDatabase, type TestDatabase } from "../support/database.ts";
import { directory, ends } from "../support/embedded.ts";
import { newKey } from "./callers.ts";
import { readMetrics, untilSumIs } from "./metrics-page.ts";
import { holdfast, type LogLine, type ServerProcess, spawnServer, startServer } from "./server.ts";
import { lockRecords } from "./table-lock.ts";
import { type Caller, claimOf, connect, hold, until } from "./waiting-calls.ts";

const STARTED =
  'grpc_server_started_total{grpc_type="unary",grpc_service="holdfast.v1.IdempotencyService",grpc_method=';
const CLAIMS = `${STARTED}"Claim"}`;
const RESULT = { body: { case: "inline" as const, value: Buffer.from("done") } };
const ANY_PORTS = ["--grpc-address", "127.0.0.1:0", "--http-address", "127.0.0.1:0", "--allow-unsafe-database"];
const ENDS = "holdfast_worker_ends_total";
const READY = "holdfast_workers_ready";

let database: TestDatabase;
/** Of two workers; the last test stops it. */
let server: ServerProcess;

beforeAll(async () => {
  database = await createTestDatabase();
  server = await startServer({ databaseUrl: database.url, args: ["--workers", "2", "--log-level", "debug"] });
});

afterAll(async () => {
  await server?.[Symbol.asyncDispose]();
  await database?.drop();
});

const linesOf = (message: string) => server.lines.filter((line) => line.message === message);
/** The processes that serve, by their number: the newest of each. */
const pidOf = (worker: number) =>
  Number(linesOf("a worker serves").findLast((line) => line["worker"] === worker)?.["pid"]);
/** Which worker has answered each call so far, in the order of the answers. */
const answeredBy = () => linesOf("call").map((line) => Number(line["worker"]));

/** One call over each of several connections, which are opened one after the other. */
async function callOverEach(callers: readonly Caller[]): Promise<void> {
  for (const caller of callers) await caller.claim(claimOf(newKey()));
}

test("connections go to the workers in turn, and the log names the worker in each line", async () => {
  expect(server.lines.find(({ message }) => message === "listening")).toMatchObject({ workers: 2 });
  const callers = Array.from({ length: 8 }, () => connect(server.grpc));
  await callOverEach(callers);
  await until(() => answeredBy().length === 8);
  expect(answeredBy().toSorted()).toEqual([1, 1, 1, 1, 2, 2, 2, 2]);
  for (const caller of callers) caller[Symbol.dispose]();
});

test("a scrape tells of all workers, whichever of them it meets", async () => {
  const callers = [connect(server.grpc), connect(server.grpc), connect(server.grpc)];
  const before = (await readMetrics(server)).get(CLAIMS) ?? Number.NaN;
  await callOverEach(callers);
  // Each has a connection of its own, so these meet both.
  const pages = [await readMetrics(server), await readMetrics(server), await readMetrics(server)];
  expect(pages.map((page) => page.get(CLAIMS))).toEqual([before + 3, before + 3, before + 3]);
  expect(pages.map((page) => page.get(READY))).toEqual([2, 2, 2]);
  expect(pages[0]?.get('holdfast_pool_connections{placement="main"}')).toBe(26);
  for (const worker of [1, 2]) expect(pages[0]?.has(`holdfast_worker_busy_ratio{worker="${worker}"}`)).toBe(true);
  for (const caller of callers) caller[Symbol.dispose]();
});

test("who waits on one worker is told of a completion on the other", async () => {
  using holder = connect(server.grpc);
  using waiter = connect(server.grpc);
  const key = newKey();
  const calls = answeredBy().length;
  const handle = await hold(holder, key);
  const waiting = waiter.claim(claimOf(key, { wait: 60 }));
  await untilSumIs([server], 'holdfast_waiting_calls{placement="main"}', 1);
  await holder.complete({ handle, result: RESULT });
  expect((await waiting).detail.case).toBe("completed");
  await until(() => answeredBy().length === calls + 3);
  const [one, ...others] = answeredBy().slice(calls);
  expect(others.toSorted()).toEqual([1, 2]);
  expect([1, 2]).toContain(one);
});

test("a worker that is killed is replaced, clients go on, no work runs twice, and no counter falls", async () => {
  const clients = Array.from({ length: 6 }, () => createClient({ addresses: [server.grpc] }));
  const runs = new Map<string, number>();
  const over = new AbortController();
  let done = 0;
  /** Three race for each key. */
  const loop = async (holdfast: (typeof clients)[number], group: number) => {
    for (let i = 0; !over.signal.aborted || i < 1; i++) {
      const key = `killed-${group}-${i}`;
      const { value } = await holdfast.once({ scope: "workers", key, input: null }, () => {
        runs.set(key, (runs.get(key) ?? 0) + 1);
        return { of: key };
      });
      expect(value).toEqual({ of: key });
      done++;
    }
  };
  const loops = clients.map((client, i) => loop(client, i % 2));
  for (const worker of [2, 1]) {
    const doneBefore = done;
    await until(() => done > doneBefore + 20);
    const before = await readMetrics(server);
    const pid = pidOf(worker);
    process.kill(pid, "SIGKILL");
    await until(() => pidOf(worker) !== pid);
    const after = await readMetrics(server);
    for (const [sample, value] of before) {
      if (/^(holdfast|grpc)_\w+_(total|count|bucket)\b/.test(sample)) {
        expect(after.get(sample), sample).toBeGreaterThanOrEqual(value);
      }
    }
  }
  over.abort();
  await Promise.all(loops);
  expect([...runs.values()].every((count) => count === 1)).toBe(true);
  expect(linesOf("a worker has ended; another takes its place")).toMatchObject([
    { level: "warn", worker: 2, signal: "SIGKILL" },
    { level: "warn", worker: 1, signal: "SIGKILL" },
  ]);
  await untilSumIs([server], READY, 2);
  expect((await readMetrics(server)).get(ENDS)).toBe(2);
  for (const client of clients) await client[Symbol.asyncDispose]();
});

test("a worker that hung with a connection on its way to it is replaced when it is killed", async () => {
  const pid = pidOf(2);
  process.kill(pid, "SIGSTOP");
  const { hostname, port } = new URL(`http://${server.grpc}`);
  const sockets = Array.from({ length: 4 }, () =>
    createConnection(Number(port), hostname).on("error", () => undefined),
  );
  for (const socket of sockets) if (socket.connecting) await once(socket, "connect");
  // Those before it have been handed round when this one is answered, by the other worker.
  using caller = connect(server.grpc);
  await caller.claim(claimOf(newKey()));
  process.kill(pid, "SIGKILL");
  await until(() => pidOf(2) !== pid);
  for (const socket of sockets) socket.destroy();
  await untilSumIs([server], READY, 2);
});

test("what keeps a worker from serving is told once, as one process would, and the exit code is 1", async () => {
  const args = ["--workers", "2", "--grpc-address", server.grpc, "--http-address", "127.0.0.1:0"];
  const second = spawnServer({ databaseUrl: database.url, args });
  expect(await second.exited).toEqual({ code: 1, signal: null });
  const reason = `something else listens on ${server.grpc}; choose another address with --grpc-address`;
  expect(second.stderr()).toBe(`holdfast: ${reason}\n`);
  expect(second.lines.filter(({ level }) => level === "error")).toMatchObject([{ reason }]);
});

test("more workers than the database has connections for are refused, with what they need, have and what to change", async () => {
  const refused = await holdfast(["serve", "--workers", "64", "--database-url", database.url, ...ANY_PORTS]);
  expect(refused.stderr).toMatch(
    /64 workers need 899 connections, 14 for each and 3 for commands, and max_connections = \d+ allows this role \d+\. Set max_connections = \d+ or more and restart the database, or start with --workers \d+\.\n$/,
  );
  expect(refused.code).toBe(1);
});

test("SIGTERM under load drains every worker: no call is lost, and the exit code is 0", async () => {
  const callers = Array.from({ length: 6 }, () => connect(server.grpc));
  await callOverEach(callers);
  const before = (await readMetrics(server)).get(CLAIMS) ?? Number.NaN;
  const unlock = await lockRecords(database.url);
  const calls = Array.from({ length: 30 }, (_, i) => callers[i % callers.length]?.claim(claimOf(newKey())));
  await untilSumIs([server], CLAIMS, before + calls.length);
  server.signal("SIGTERM");
  await until(() => linesOf("drain: finishing the calls in flight").length === 2);
  await unlock();
  const outcomes = (await Promise.all(calls)).map((answer) => answer?.outcome);
  expect(outcomes).toEqual(calls.map(() => ClaimOutcome.ACQUIRED));
  expect(await server.exited).toEqual({ code: 0, signal: null });
  const stopped = linesOf("stopped").map(({ worker, clean }: LogLine & { worker?: number }) => [worker ?? 0, clean]);
  expect(stopped.toSorted()).toEqual([
    [0, true],
    [1, true],
    [2, true],
  ]);
});

test("a killed primary leaves nothing behind: its workers drain, and the last one stops the embedded Postgres", async () => {
  await using alone = await startServer({ args: ["--workers", "2", "--data-dir", directory()] });
  const serving = alone.lines.filter(({ message }) => message === "a worker serves");
  const postgres = Number((await alone.logged("started Postgres"))["pid"]);
  alone.signal("SIGKILL");
  expect(await alone.exited).toEqual({ code: null, signal: "SIGKILL" });
  for (const { pid } of serving) expect(await ends(Number(pid))).toBe(true);
  expect(await ends(postgres)).toBe(true);
  expect(alone.lines.filter(({ message }) => message === "stopped")).toMatchObject([{ clean: true }, { clean: true }]);
});

test("a second signal ends the workers with the primary, at once", async () => {
  await using stubborn = await startServer({
    databaseUrl: database.url,
    args: ["--workers", "2", "--drain-delay", "1m"],
  });
  const pids = stubborn.lines.filter(({ message }) => message === "a worker serves").map(({ pid }) => Number(pid));
  stubborn.signal("SIGTERM");
  await until(() => stubborn.lines.filter(({ message }) => message === "drain: reporting not ready").length === 2);
  stubborn.signal("SIGTERM");
  expect(await stubborn.exited).toEqual({ code: 143, signal: null });
  for (const pid of pids) expect(await ends(pid)).toBe(true);
});

test("a number of workers that cannot be is refused, by what is allowed", async () => {
  const { code, stderr } = await holdfast(["serve", "--workers", "0"]);
  expect(stderr).toBe("holdfast: --workers must be a whole number from 1 to 64, or auto\n");
  expect(code).toBe(2);
});
