import { afterAll, beforeAll, expect, test } from "vitest";
import { systemClock } from "../../../src/clock.ts";
import { type RunningServer, startServer } from "../../../src/server/compose.ts";
import { readConfig } from "../../../src/server/config/read.ts";
import { type Log, silentLog } from "../../../src/telemetry/log.ts";
import { createTestDatabase, type TestDatabase } from "../../support/database.ts";
import { startTcpProxy, targetOf } from "../../support/tcp-proxy.ts";
import { eavesdrop, until } from "./node.ts";

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database?.drop());

interface Scene extends AsyncDisposable {
  readonly server: RunningServer;
  readonly warnings: readonly string[];
  readyz(): Promise<{ readonly status: number; readonly body: { readonly waiting: string } }>;
  sample(name: string): Promise<number>;
}

async function open(...args: readonly string[]): Promise<Scene> {
  const addresses = ["--grpc-address", "127.0.0.1:0", "--http-address", "127.0.0.1:0"];
  const read = readConfig(
    "serve",
    ["--database-url", database.url, "--allow-unsafe-database", ...addresses, ...args],
    {},
  );
  if (read.kind === "problems") throw new Error(read.problems.join("\n"));
  const warnings: string[] = [];
  const log: Log = { ...silentLog, warn: (_fields, message) => warnings.push(message) };
  const server = await startServer(read.config, { clock: systemClock, log });
  const page = (path: string) => fetch(`http://127.0.0.1:${server.httpAddress.port}${path}`);
  return {
    ...{ server, warnings },
    async readyz() {
      const answer = await page("/readyz");
      return { status: answer.status, body: (await answer.json()) as { waiting: string } };
    },
    async sample(name) {
      const text = await (await page("/metrics")).text();
      const line = text.split("\n").find((candidate) => candidate.startsWith(`${name} `));
      return Number(line?.split(" ").at(-1));
    },
    async [Symbol.asyncDispose]() {
      await server.stop();
    },
  };
}

test("a server is ready and says that it is notified; its listener is one of its connections", async () => {
  await using scene = await open();
  await until(async () => (await scene.readyz()).body.waiting === "notified");
  expect(await scene.readyz()).toMatchObject({
    status: 200,
    body: { ready: true, checks: { database: true, schema: true, accepting: true } },
  });
  expect(await scene.sample('holdfast_listener_up{placement="main"}')).toBe(1);
  const connections = await scene.sample('holdfast_pool_connections{placement="main"}');
  await until(async () => (await scene.sample('holdfast_pool_connections_open{placement="main"}')) === connections);
  const { client } = await eavesdrop(database.url);
  const { rows } = await client.query<{ count: number }>(
    `select count(*)::int from pg_stat_activity
     where datname = current_database() and application_name = 'holdfast' and query <> 'listen holdfast_registry'`,
  );
  expect(rows[0]?.count).toBe(connections);
  await client.end();
  expect(scene.warnings).toEqual([]);
});

test("a server that cannot listen starts, is ready, and says that it polls", async () => {
  await using proxy = await startTcpProxy(targetOf(database.url));
  await proxy.refuse();
  await using scene = await open("--listen-url", proxy.url(database.url));
  expect(await scene.readyz()).toMatchObject({ status: 200, body: { ready: true, waiting: "polling" } });
  await until(() => scene.warnings.length > 1);
  expect(scene.warnings.toSorted()).toEqual([
    "notifications from other servers do not arrive: waiters poll",
    "notifications of changed tenants do not arrive: changes are polled for",
  ]);
  expect(await scene.sample('holdfast_listener_up{placement="main"}')).toBe(0);
  expect(await scene.sample('holdfast_pool_connections_open{placement="main"}')).toBeLessThan(
    await scene.sample('holdfast_pool_connections{placement="main"}'),
  );

  await proxy.accept();
  await until(async () => (await scene.readyz()).body.waiting === "notified");
});

test("a server that stops ends the calls that wait before it waits for calls in flight", async () => {
  const { server, sample, [Symbol.asyncDispose]: stop } = await open();
  const claim = (claimId: string, wait: string) =>
    fetch(`http://127.0.0.1:${server.httpAddress.port}/holdfast.v1.IdempotencyService/Claim`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ key: { scope: "drain", key: "held" }, claimId, wait }),
    });
  expect((await claim("the holder's claim", "0s")).status).toBe(200);
  const waiting = claim("the waiter's claim", "60s");
  await until(async () => (await sample('holdfast_waiters{placement="main"}')) === 1);
  await stop();
  const answer = await waiting;
  expect(answer.status).toBe(503);
  expect(JSON.stringify(await answer.json())).toContain("DRAINING");
  expect(await server.stop()).toBe(true); // Clean: nothing was cut off.
});
