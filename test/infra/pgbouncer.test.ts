import { randomBytes } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { systemClock } from "../../src/clock.ts";
import { openSession } from "../../src/store/postgres/connection.ts";
import { newKey } from "../process/callers.ts";
import { holdfast, type ServerProcess, spawnServer, startServer } from "../process/server.ts";
import { claimOf, connect, handleOf, hold, LONG, look, until } from "../process/waiting-calls.ts";
import { type Cluster, createCluster, withPlainClient } from "./support/cluster.ts";
import { findLost, startLoad } from "./support/load.ts";
import { type PgBouncer, type PgBouncerOptions, startPgBouncer } from "./support/pgbouncer.ts";
import { describeWith } from "./support/programs.ts";
import { readyz } from "./support/readyz.ts";
import { makeDatabase, ROLE } from "./support/stand.ts";
import { tellOnFailure } from "./support/tell-on-failure.ts";

const RESULT = { body: { case: "inline" as const, value: Buffer.from("told") } };
const POOLED = "a pooler in transaction mode is before the database";

await describeWith(["postgres", "pgbouncer"], "servers behind a PgBouncer", (programs) => {
  let cluster: Cluster;

  beforeAll(async () => {
    cluster = await createCluster(programs.postgres);
  });

  afterAll(() => cluster?.[Symbol.asyncDispose]());

  async function database(forPooler = true): Promise<string> {
    const name = `served_${randomBytes(4).toString("hex")}`;
    await makeDatabase(cluster, name, { forPooler });
    return name;
  }

  const bouncer = (options: Omit<PgBouncerOptions, "port">): Promise<PgBouncer> =>
    startPgBouncer(programs.pgbouncer, { ...options, port: cluster.port });

  /** Two servers; the arguments are for both. */
  async function pair(
    databaseUrl: string,
    args: readonly string[] = [],
  ): Promise<readonly [ServerProcess, ServerProcess]> {
    const servers = await Promise.all([startServer({ databaseUrl, args }), startServer({ databaseUrl, args })]);
    tellOnFailure(...servers);
    return servers;
  }

  describe("in another mode than they can use", () => {
    test("statement is refused, and which modes are not", async () => {
      await using pooler = await bouncer({ mode: "statement" });
      const server = spawnServer({ databaseUrl: pooler.url(await database(), ROLE) });
      expect(await server.exited).toMatchObject({ code: 1 });
      expect(server.stderr()).toMatch(
        /pooler that lends a connection for one statement.*pool_mode = transaction or session/,
      );
    });

    test("transaction is refused as long as the role lacks the settings, and the SQL that is said mends it", async () => {
      const name = await database(false);
      await using pooler = await bouncer({ mode: "transaction" });
      const url = pooler.url(name, ROLE);
      const refused = spawnServer({ databaseUrl: url });
      expect(await refused.exited).toMatchObject({ code: 1 });
      const [, sql] = /Run: (alter role .*?;) Then make the pooler/.exec(refused.stderr()) ?? [];
      await cluster.sql(sql ?? "", name);

      // The connections that the pooler has were made before.
      const again = spawnServer({ databaseUrl: url });
      expect(await again.exited).toMatchObject({ code: 1 });
      await pooler.command("RECONNECT");
      await using server = await startServer({ databaseUrl: url });
      expect(server.lines.map(({ message }) => message)).toContain(POOLED);
    });

    test("session needs nothing, and is told from transaction", async () => {
      const name = await database(false);
      await using pooler = await bouncer({ mode: "session", settings: { default_pool_size: 30 } });
      await using server = await startServer({ databaseUrl: pooler.url(name, ROLE) });
      expect(server.lines.map(({ message }) => message)).not.toContain(POOLED);
      await until(async () => (await readyz(server)).waiting === "notified");
    });

    test("what is called a pooler in transaction mode needs the settings also where none is", async () => {
      const url = cluster.url(await database(false), ROLE);
      const args = ["--pooler", "transaction"];
      const server = spawnServer({ databaseUrl: url, args });
      expect(await server.exited).toMatchObject({ code: 1 });
      await using direct = await startServer({ databaseUrl: url });
      expect(direct.lines.map(({ message }) => message)).not.toContain(POOLED);
    });
  });

  test("without a direct address they poll, nobody listens through the pooler, and who waits is answered", async () => {
    const name = await database();
    await using pooler = await bouncer({ mode: "transaction" });
    const [here, there] = await pair(pooler.url(name, ROLE));
    await using _ = here;
    await using __ = there;
    await here.logged("notifications from other servers do not arrive: waiters poll");
    expect(await readyz(here)).toMatchObject({ ready: true, waiting: "polling" });
    await expectWokenByTheOther(here, there);
    const listening = await withPlainClient(pooler.url(name, ROLE), (client) =>
      client.query("select count(*)::int as count from pg_stat_activity where query ilike 'listen%'"),
    );
    expect(listening.rows).toEqual([{ count: 0 }]);
  });

  test("with a direct --listen-url they are notified", async () => {
    const name = await database();
    await using pooler = await bouncer({ mode: "transaction" });
    const [here, there] = await pair(pooler.url(name, ROLE), ["--listen-url", cluster.url(name, ROLE)]);
    await using _ = here;
    await using __ = there;
    await until(async () => (await readyz(here)).waiting === "notified");
    await expectWokenByTheOther(here, there);
  });

  test("nothing of theirs stays with the pool's connections: other applications find them as they were", async () => {
    const name = await database();
    // One connection for everybody, so that whoever comes next is lent the one that the servers had.
    await using pooler = await bouncer({ mode: "transaction", settings: { default_pool_size: 1 } });
    await using server = await startServer({ databaseUrl: pooler.url(name, ROLE) });
    using caller = connect(server.grpc);
    await caller.complete({ handle: await hold(caller, newKey()), result: RESULT });
    const found = await withPlainClient(pooler.url(name, ROLE), (client) =>
      client.query(`
        select (select count(*)::int from pg_prepared_statements where not from_sql) as prepared,
               (select count(*)::int from pg_listening_channels()) as channels,
               (select array_agg(name) from pg_settings where source = 'session' and name <> 'application_name') as set`),
    );
    // The statement that asks is one of ours by then.
    expect(found.rows).toEqual([{ prepared: 0, channels: 0, set: null }]);
    const app = await withPlainClient(pooler.url(name, "app"), (client) => client.query("show statement_timeout"));
    expect(app.rows).toEqual([{ statement_timeout: "0" }]);
  });

  describe("under load, two callers for each key", () => {
    test.each([
      ["that closes its connections after a second each", { server_lifetime: 1 }, async () => undefined],
      ["that opens its connections anew", {}, (pooler: PgBouncer) => pooler.command("RECONNECT")],
      ["that is started anew", {}, (pooler: PgBouncer) => pooler.restart()],
    ])("a pooler %s loses nothing, and every call is answered", async (_name, settings, disturb) => {
      const name = await database();
      await using pooler = await bouncer({ mode: "transaction", settings });
      const [here, there] = await pair(pooler.url(name, ROLE));
      await using _ = here;
      await using __ = there;
      const load = startLoad([here.grpc, there.grpc]);
      for (let round = 0; round < 3; round++) {
        await load.more(100);
        await disturb(pooler);
      }
      await load.more(100);
      expect(await findLost(here.grpc, await load.stop())).toEqual([]);
    });
  });

  test("a database that is started anew behind the pooler is noticed, and nothing is lost", async () => {
    await using own = await createCluster(programs.postgres);
    await makeDatabase(own, "own", { forPooler: true });
    await using pooler = await startPgBouncer(programs.pgbouncer, { mode: "transaction", port: own.port });
    const [here, there] = await pair(pooler.url("own", ROLE));
    await using _ = here;
    await using __ = there;
    const load = startLoad([here.grpc, there.grpc]);
    await load.more(100);
    await own.stop("immediate");
    await until(async () => !(await readyz(here)).ready);
    await own.start();
    await load.more(200);
    expect(await findLost(there.grpc, await load.stop())).toEqual([]);
    await until(async () => (await readyz(here)).ready);
  });

  test("a database that goes behind the pooler is noticed also when nobody calls", async () => {
    await using own = await createCluster(programs.postgres);
    await makeDatabase(own, "own", { forPooler: true });
    await using pooler = await startPgBouncer(programs.pgbouncer, { mode: "transaction", port: own.port });
    await using server = await startServer({ databaseUrl: pooler.url("own", ROLE) });
    await own.stop("immediate");
    await until(async () => !(await readyz(server)).ready);
    await own.start();
    await until(async () => (await readyz(server)).ready);
  });

  test("a crash that leaves the postmaster standing is noticed by whoever lay idle through it", async () => {
    await using own = await createCluster(programs.postgres);
    await makeDatabase(own, "own", { forPooler: true });
    await using pooler = await startPgBouncer(programs.pgbouncer, { mode: "transaction", port: own.port });
    const session = await openSession({ url: pooler.url("own", ROLE), pooled: true, clock: systemClock });
    const ask = () => session.query({ name: "ask", text: "select pg_postmaster_start_time() as at" }, []);
    const before = await ask();
    await withPlainClient(own.url("own"), async (victim) => {
      const { rows } = await victim.query("select pg_backend_pid() as pid");
      process.kill(rows[0].pid, "SIGKILL");
      await until(() =>
        own.sql("select").then(
          () => true,
          () => false,
        ),
      );
    }).catch(() => undefined);
    expect(await own.sql("select pg_postmaster_start_time() as at")).toEqual(before);
    await expect(ask()).rejects.toMatchObject({ name: "ConnectionLost" });
  });

  test("a connection in which another client has turned synchronous_commit off ends the session, until it is made anew", async () => {
    const name = await database();
    // One connection for everybody, so that whoever comes next is lent what the one before has left behind.
    await using pooler = await bouncer({ mode: "transaction", settings: { default_pool_size: 1 } });
    const url = pooler.url(name, ROLE);
    const open = () => openSession({ url, pooled: true, clock: systemClock });
    const ask = { name: "ask", text: "select current_setting('synchronous_commit') as commit" };
    const session = await open();
    expect(await session.query(ask, [])).toEqual([{ commit: "on" }]);
    await withPlainClient(url, (client) => client.query("set synchronous_commit = off"));
    await expect(session.query(ask, [])).rejects.toMatchObject({ name: "ConnectionLost" });
    expect(await session.over).toMatchObject({ message: expect.stringContaining("synchronous_commit is off") });
    await expect(open()).rejects.toMatchObject({ name: "ConnectionLost" });
    await pooler.command("RECONNECT");
    const again = await open();
    expect(await again.query(ask, [])).toEqual([{ commit: "on" }]);
    await again.close();
  });

  test("the commands that work on the database directly go through the pooler too", async () => {
    const name = `commanded_${randomBytes(4).toString("hex")}`;
    await cluster.sql(`create database ${name} owner ${ROLE}`);
    await using pooler = await bouncer({ mode: "transaction", settings: { default_pool_size: 1 } });
    const args = ["--database-url", pooler.url(name, ROLE)];
    expect(await holdfast(["migrate", ...args])).toMatchObject({ code: 0, stdout: expect.stringContaining("Applied") });
    for (const word of ["bootstrap", "recover", "recover"]) {
      expect(await holdfast(["admin", word, ...args])).toMatchObject({ code: 0, stderr: "" });
    }
  });
});

/** A claim that waits here is told of the end there. */
async function expectWokenByTheOther(here: ServerProcess, there: ServerProcess): Promise<void> {
  using waiting = connect(here.grpc);
  using telling = connect(there.grpc);
  const key = newKey();
  const handle = handleOf(await telling.claim(claimOf(key)));
  const waited = waiting.claim(claimOf(key, { wait: 60 }), LONG);
  await until(async () => (await look(telling, key)).hasWaiters);
  await telling.complete({ handle, result: RESULT });
  expect((await waited).detail.case).toBe("completed");
}
