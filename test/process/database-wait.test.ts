import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ClaimOutcome, IdempotencyService } from "../../gen/holdfast/v1/idempotency_pb.ts";
import { createEmptyDatabase, createTestDatabase, type TestDatabase } from "../support/database.ts";
import { startTcpProxy, type TcpProxy, targetOf } from "../support/tcp-proxy.ts";
import { grpcCaller, newClaimId, newKey } from "./callers.ts";
import { readMetrics } from "./metrics-page.ts";
import { holdfast, spawnServer } from "./server.ts";

let database: TestDatabase;

beforeAll(async () => {
  database = await createTestDatabase();
});

afterAll(() => database.drop());

/** A way to the database on which nobody listens, until it is opened. */
async function closedWay(url = database.url): Promise<TcpProxy> {
  const proxy = await startTcpProxy(targetOf(url));
  await proxy.refuse();
  return proxy;
}

async function get(address: string): Promise<{ readonly status: number; readonly body: unknown }> {
  const response = await fetch(address);
  return { status: response.status, body: await response.json() };
}

describe("a server whose database is not there yet", () => {
  test("is alive and not ready, says why, and serves as soon as it is there", async () => {
    await using proxy = await closedWay();
    const server = spawnServer({ databaseUrl: proxy.url(database.url), args: ["--log-level", "debug"] });
    try {
      const { http } = await server.logged("the HTTP port listens");
      const waits = await server.logged("waiting for the database");
      expect(waits).toMatchObject({
        level: "warn",
        placement: "main",
        reason: expect.stringContaining("ECONNREFUSED"),
      });
      expect(await get(`http://${http}/livez`)).toEqual({ status: 200, body: { live: true } });
      expect(await get(`http://${http}/readyz`)).toMatchObject({
        status: 503,
        body: { ready: false, checks: { database: false }, placements: { main: "down" } },
      });
      expect((await get(`http://${http}/readyz`)).body).toMatchObject({ reason: "the database does not answer" });
      // The alerts judge these, from the first scrape on.
      const metrics = await readMetrics({ http: `http://${http}` });
      expect(metrics.get("holdfast_ready")).toBe(0);
      expect(metrics.get('holdfast_placement_up{placement="main"}')).toBe(0);
      expect([...metrics.keys()]).toContainEqual(expect.stringMatching(/^holdfast_build_info\{version="/));

      // Over HTTP calls are told to come back; over gRPC nobody listens yet, which clients wait for.
      const called = await fetch(`http://${http}/${IdempotencyService.typeName}/GetRecord`, {
        ...{ method: "POST", body: "{}" },
        headers: { "content-type": "application/json" },
      });
      expect({ status: called.status, retryAfter: called.headers.get("retry-after") }).toEqual({
        status: 503,
        retryAfter: "1",
      });
      expect(await called.json()).toEqual({ code: "unavailable", message: "The server is starting." });

      await proxy.accept();
      const { grpc } = await server.logged("listening");
      expect(await get(`http://${http}/readyz`)).toMatchObject({ status: 200, body: { ready: true } });
      using caller = grpcCaller(String(grpc));
      const claimed = await caller.call(IdempotencyService.method.claim, { key: newKey(), claimId: newClaimId() });
      expect(claimed.outcome).toBe(ClaimOutcome.ACQUIRED);
    } finally {
      server.signal("SIGTERM");
      expect(await server.exited).toEqual({ code: 0, signal: null });
    }
  });

  test("ends cleanly when it is told to while it waits", async () => {
    await using proxy = await closedWay();
    const server = spawnServer({ databaseUrl: proxy.url(database.url) });
    await server.logged("waiting for the database");
    server.signal("SIGTERM");
    expect(await server.exited).toEqual({ code: 0, signal: null });
    expect(server.lines.at(-1)).toMatchObject({ message: "stopped", clean: true });
  });

  test("gives up when the time is over, and says how long it waited", async () => {
    await using proxy = await closedWay();
    const server = spawnServer({ databaseUrl: proxy.url(database.url), args: ["--database-wait", "300ms"] });
    expect(await server.exited).toEqual({ code: 1, signal: null });
    expect(server.stderr()).toMatch(/^holdfast: cannot reach the database .*ECONNREFUSED.*\(--database-wait\)\n$/);
  });

  test("that accepts connections and says nothing is waited for too", async () => {
    await using proxy = await startTcpProxy(targetOf(database.url));
    proxy.hold();
    const server = spawnServer({ databaseUrl: proxy.url(database.url) });
    const waits = await server.logged("waiting for the database");
    expect(waits["reason"]).toContain("timeout");
    proxy.release();
    await server.logged("listening");
    server.signal("SIGTERM");
    expect(await server.exited).toEqual({ code: 0, signal: null });
  });
});

test("what time does not mend is refused at once, however long it may wait", async () => {
  const empty = await createEmptyDatabase();
  try {
    const ports = ["--grpc-address", "127.0.0.1:0", "--http-address", "127.0.0.1:0"];
    const args = ["serve", ...ports, "--allow-unsafe-database", "--database-wait", "24h", "--database-url"];
    const [schema, name, login] = await Promise.all([
      holdfast([...args, empty.url]),
      holdfast([...args, database.url.replace(/\/[^/?]+(\?|$)/, "/no_such_database$1")]),
      holdfast([...args, `${database.url}${database.url.includes("?") ? "&" : "?"}user=nobody_here`]),
    ]);
    expect(schema).toMatchObject({ code: 1, stderr: expect.stringContaining("Run: holdfast migrate") });
    expect(name).toMatchObject({ code: 1, stderr: expect.stringContaining('"no_such_database" does not exist') });
    expect(login).toMatchObject({ code: 1, stderr: expect.stringContaining("nobody_here") });
  } finally {
    await empty.drop();
  }
});
