import { ConnectError } from "@connectrpc/connect";
import { afterEach, describe, expect, test } from "vitest";
import { Admission } from "../../gen/holdfast/v1/tenant_pb.ts";
import { withClient } from "../../src/store/postgres/connection.ts";
import { createTestDatabase, type TestDatabase } from "../support/database.ts";
import { readMoveSteps } from "../support/move-steps.ts";
import { startTcpProxy, type TcpProxy, targetOf } from "../support/tcp-proxy.ts";
import { newKey as anyKey } from "./callers.ts";
import { readMetrics } from "./metrics-page.ts";
import { holdfast, type ServerProcess, startServer } from "./server.ts";
import { type Caller, claimOf, connect, hold, until } from "./waiting-calls.ts";

const afterwards: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const undo of afterwards.splice(0).reverse()) await undo();
});

async function owned(): Promise<string> {
  const { url } = await ownedDatabase();
  return url;
}

async function ownedDatabase(): Promise<TestDatabase> {
  const database = await createTestDatabase();
  afterwards.push(() => database.drop());
  return database;
}

async function cutOff(url: string): Promise<{ readonly proxy: TcpProxy; readonly url: string }> {
  const proxy = await startTcpProxy(targetOf(url));
  afterwards.push(async () => proxy[Symbol.asyncDispose]());
  return { proxy, url: proxy.url(url) };
}

async function serve(main: string, placements: string): Promise<ServerProcess> {
  const server = await startServer({ databaseUrl: main, args: ["--placements", placements] });
  afterwards.push(async () => server[Symbol.asyncDispose]());
  return server;
}

function register(main: string, id: string, placement: string): Promise<unknown> {
  return withClient({ url: main }, (client) =>
    client.query("insert into holdfast.tenant (id, placement) values ($1, $2)", [id, placement]),
  );
}

const keyOf = (tenant: string) => ({ tenant, ...anyKey() });

async function readyz({ http }: ServerProcess): Promise<unknown> {
  const response = await fetch(`${http}/readyz`);
  return { status: response.status, ...((await response.json()) as object) };
}

/** "held", or what the tenant's caller is told instead. */
async function tryHold(caller: Caller, tenant: string): Promise<string> {
  return hold(caller, keyOf(tenant)).then(
    () => "held",
    (error: unknown) => ConnectError.from(error).message,
  );
}

const UNAVAILABLE = "[unavailable] The store does not answer.";
const up = (main: "up" | "down", eu: "up" | "down") => ({ main, eu });

describe("a server with a cluster beside main", () => {
  test("that is down starts, serves the tenants of main, and those of the other when it comes", async () => {
    const main = await owned();
    const { proxy, url } = await cutOff(await owned());
    await proxy.refuse();
    await register(main, "acme", "eu");
    const server = await serve(main, `eu=${url}`);
    using caller = connect(server.grpc);

    expect(await tryHold(caller, "default")).toBe("held");
    expect(await tryHold(caller, "acme")).toBe(UNAVAILABLE);
    expect(await readyz(server)).toMatchObject({ status: 200, ready: true, placements: up("up", "down") });
    const before = await readMetrics(server);
    const gauges = ["placement_up", "pool_connections", "pool_connections_open", "listener_up", "waiters"];
    for (const name of gauges) expect(before.get(`holdfast_${name}{placement="eu"}`)).toBe(0);

    await proxy.accept();
    await until(async () => (await tryHold(caller, "acme")) === "held");
    await until(async () => (await readMetrics(server)).get('holdfast_listener_up{placement="eu"}') === 1);
    const after = await readMetrics(server);
    expect(after.get('holdfast_placement_up{placement="eu"}')).toBe(1);
    expect(after.get('holdfast_pool_connections{placement="eu"}')).toBe(11);
    expect(after.get('holdfast_pool_connections{placement="main"}')).toBe(13);
    expect(await readyz(server)).toMatchObject({ status: 200, placements: up("up", "up") });
    expect(JSON.stringify(await readyz(server))).not.toContain("127.0.0.1");
    expect(await server.stop()).toEqual({ code: 0, signal: null });
  });

  test("that is cut off refuses its tenants only; with main cut off too the server is not ready", async () => {
    const [main, eu] = [await cutOff(await owned()), await cutOff(await owned())];
    await register(main.url, "acme", "eu");
    const server = await serve(main.url, `eu=${eu.url}`);
    using caller = connect(server.grpc);
    await until(async () => (await tryHold(caller, "acme")) === "held");

    await eu.proxy.refuse();
    eu.proxy.cut();
    expect(await tryHold(caller, "acme")).toBe(UNAVAILABLE);
    expect(await tryHold(caller, "default")).toBe("held");
    await until(async () => JSON.stringify(await readyz(server)).includes('"eu":"down"'));
    expect(await readyz(server)).toMatchObject({ status: 200, placements: up("up", "down") });

    await main.proxy.refuse();
    main.proxy.cut();
    await until(async () => (await readMetrics(server)).get("holdfast_ready") === 0);
    expect(await readyz(server)).toMatchObject({ status: 503, placements: up("down", "down") });

    await eu.proxy.accept(); // The tenants of eu are known from before: nobody asks main.
    await until(async () => (await tryHold(caller, "acme")) === "held");
    await until(async () => (await readMetrics(server)).get("holdfast_ready") === 1);
    expect(await readyz(server)).toMatchObject({ status: 200, placements: up("down", "up") });
    const said = server.lines.filter(({ message }) => message === "the database does not answer");
    expect(said.map(({ placement }) => placement)).toEqual(["eu", "main"]);
  });
});

test("a tenant is moved between two clusters, as the page says, while the server runs", async () => {
  const databases = [await ownedDatabase(), await ownedDatabase(), await ownedDatabase()];
  const [main = "", eu = "", us = ""] = databases.map(({ url }) => url);
  const [MAIN = "", FROM = "", TO = ""] = databases.map(({ ownerUrl }) => ownerUrl);
  await register(main, "acme", "eu");
  const server = await serve(main, `eu=${eu} us=${us}`);
  await using steps = await readMoveSteps({ MAIN, FROM, TO });
  using caller = connect(server.grpc);
  await until(async () => JSON.stringify(await readyz(server)).includes('"us":"up"'));
  await until(async () => (await tryHold(caller, "acme")) === "held");
  const tenants = (word: string) =>
    holdfast(["tenants", word, "acme", "--reason", "moves to us", "--server", server.grpc]);
  const resolve = () => caller.resolveTenant({ selector: { case: "tenantId", value: "acme" } });

  const key = keyOf("acme");
  const handle = await hold(caller, key);
  await caller.complete({ handle, result: { body: { case: "inline", value: Buffer.from("kept") } } });
  const lapsing = keyOf("acme");
  const late = await hold(caller, lapsing, 1);
  // Held for good by somebody who is gone: nobody waits for it in this test.
  await withClient({ url: eu }, (client) =>
    client.query("delete from holdfast.record where key <> all($1)", [[key.key, lapsing.key]]),
  );

  expect(await tenants("drain")).toMatchObject({ code: 0 });
  await until(async () => (await resolve()).admission === Admission.REFUSE);
  await until(async () => (await steps.leases()) === "0");
  await steps.copy();
  const before = (await resolve()).generation;
  await steps.switch();
  await until(async () => (await resolve()).generation !== before);
  await steps.copy();
  expect(await tryHold(caller, "acme")).toContain("[failed_precondition]");
  expect(await tenants("resume")).toMatchObject({ code: 0 });
  await until(async () => (await tryHold(caller, "acme")) === "held");
  await steps.cleanUp();

  const { detail } = await caller.claim(claimOf(key));
  expect(detail).toMatchObject({ case: "completed", value: { result: { body: { case: "inline" } } } });
  await caller.complete({ handle: late, result: { body: { case: "inline", value: Buffer.from("late") } } });
  const rows = (url: string) =>
    withClient({ url }, async (client) => {
      const { rows: all } = await client.query<{ state: number }>(
        "select state from holdfast.record where key = any($1) order by state",
        [[key.key, lapsing.key]],
      );
      return all.map(({ state }) => state);
    });
  expect([await rows(eu), await rows(us)]).toEqual([[], [3, 3]]);
});
