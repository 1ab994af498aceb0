import { Code, ConnectError } from "@connectrpc/connect";
import { describe, expect, test } from "vitest";
import { newKey } from "../process/callers.ts";
import { type ServerProcess, startServer } from "../process/server.ts";
import { claimOf, connect, until } from "../process/waiting-calls.ts";
import { startTcpProxy, type TcpProxy } from "../support/tcp-proxy.ts";
import { type Cluster, createCluster } from "./support/cluster.ts";
import { findLost, startLoad } from "./support/load.ts";
import type { Program } from "./support/packages.ts";
import { startPgBouncer } from "./support/pgbouncer.ts";
import { describeWith, noteMeasured } from "./support/programs.ts";
import { readyz } from "./support/readyz.ts";
import { makeDatabase, ROLE } from "./support/stand.ts";
import { tellOnFailure } from "./support/tell-on-failure.ts";

const DATABASE = "replicated";

/** A primary with a standby, two servers, and an address between that leads to whichever is said. */
interface Scene extends AsyncDisposable {
  readonly primary: Cluster;
  readonly standby: Cluster;
  readonly servers: readonly [ServerProcess, ServerProcess];
  /** The address leads there from now on, and whoever was connected is no more. */
  lead(to: Cluster): void;
}

interface SceneOptions {
  /** Commits wait for the standby. */
  readonly synchronous: boolean;
}

async function openScene(program: Program, { synchronous }: SceneOptions): Promise<Scene> {
  await using opening = new AsyncDisposableStack();
  const { primary, standby } = await replicated(program, opening, synchronous);
  const target = { host: "127.0.0.1", port: primary.port };
  const address: TcpProxy = opening.use(await startTcpProxy(target));
  const databaseUrl = address.url(primary.url(DATABASE, ROLE));
  const servers = await Promise.all([startServer({ databaseUrl }), startServer({ databaseUrl })]);
  for (const server of servers) opening.use(server);
  tellOnFailure(...servers);
  const opened = opening.move();
  return {
    ...{ primary, standby, servers },
    lead({ port }) {
      target.port = port;
      address.cut();
    },
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  };
}

async function replicated(program: Program, opening: AsyncDisposableStack, synchronous: boolean) {
  const primary = opening.use(await createCluster(program));
  await makeDatabase(primary, DATABASE, { forPooler: true });
  const standby = opening.use(await primary.standby("copy"));
  if (synchronous) {
    await primary.configure({ synchronous_standby_names: "'copy'" });
    await primary.reload();
  }
  const states = async () =>
    (await primary.sql("select sync_state from pg_stat_replication")).map((row) => row["sync_state"]);
  await until(async () => (await states()).includes(synchronous ? "sync" : "async"));
  // The copy must wait for no copy of its own.
  await standby.configure({ synchronous_standby_names: "''" });
  return { primary, standby };
}

async function allReady(servers: readonly ServerProcess[], ready: boolean): Promise<void> {
  for (const server of servers) await until(async () => (await readyz(server)).ready === ready);
}

/** Of a claim: a code, or null when it was answered. */
async function codeOf({ grpc }: ServerProcess): Promise<Code | null> {
  using caller = connect(grpc);
  return await caller.claim(claimOf(newKey())).then(
    () => null,
    (error) => ConnectError.from(error).code,
  );
}

await describeWith(["postgres"], "failover", ({ postgres }) => {
  describe("to a synchronous standby", () => {
    test("loses nothing that was acknowledged, and the barrier is written before anything is answered", async () => {
      await using scene = await openScene(postgres, { synchronous: true });
      const { primary, standby, servers } = scene;
      const load = startLoad([servers[0].grpc, servers[1].grpc]);
      await load.more(200);
      const before = load.count;
      await primary.stop("kill");
      await standby.promote();
      scene.lead(standby);
      await load.more(200);
      const acknowledged = await load.stop();
      expect(before).toBeGreaterThanOrEqual(200);
      expect(await findLost(servers[1].grpc, acknowledged)).toEqual([]);
      expect(await standby.barriers()).toBeGreaterThan(0);
      await allReady(servers, true);
    });

    test("is gone through once: the former primary is refused when it comes back, and no call is answered by it", async () => {
      await using scene = await openScene(postgres, { synchronous: true });
      const { primary, standby, servers } = scene;
      await primary.stop("immediate");
      await standby.promote();
      scene.lead(standby);
      await allReady(servers, true);

      await primary.start();
      scene.lead(primary);
      await allReady(servers, false);
      expect(await Promise.all(servers.map(codeOf))).toEqual([Code.Unavailable, Code.Unavailable]);
      const said = await servers[0].logged("the database still does not answer");
      expect(said["error"]).toMatchObject({ message: "a primary of timeline 1 answers, but 2 was seen before" });

      scene.lead(standby);
      await allReady(servers, true);
      for (const server of servers) await until(async () => (await codeOf(server)) === null);
    });

    test("that is not promoted yet is not used, nor is a primary that only reads", async () => {
      await using scene = await openScene(postgres, { synchronous: true });
      const { primary, standby, servers } = scene;
      scene.lead(standby);
      await allReady(servers, false);
      expect(await Promise.all(servers.map(codeOf))).toEqual([Code.Unavailable, Code.Unavailable]);

      await primary.sql("alter system set default_transaction_read_only = on");
      await primary.reload();
      scene.lead(primary);
      expect(await Promise.all(servers.map(codeOf))).toEqual([Code.Unavailable, Code.Unavailable]);
      await allReady(servers, false);

      await primary.sql("alter system reset default_transaction_read_only");
      await primary.reload();
      for (const server of servers) await until(async () => (await codeOf(server)) === null);
      await allReady(servers, true);
    });
  });

  test("to an asynchronous standby goes on by itself; what it loses is counted, not promised", async () => {
    await using scene = await openScene(postgres, { synchronous: false });
    const { primary, standby, servers } = scene;
    const load = startLoad([servers[0].grpc, servers[1].grpc]);
    await load.more(100);
    await standby.stop("fast");
    await load.more(100);
    // Who is at it meanwhile is told that his lease is lost, as it is.
    const acknowledged = await load.stop();
    await primary.stop("immediate");
    await standby.start();
    await standby.promote();
    scene.lead(standby);
    await allReady(servers, true);
    const lost = await findLost(servers[1].grpc, acknowledged);
    await noteMeasured(
      `failover to an asynchronous standby that is behind: ${lost.length} of ${acknowledged.length} results lost`,
    );
  });
});

await describeWith(["postgres", "pgbouncer"], "failover behind a PgBouncer", ({ postgres, pgbouncer }) => {
  test("loses nothing with a synchronous standby, and the former primary is refused there too", async () => {
    await using opening = new AsyncDisposableStack();
    const { primary, standby } = await replicated(postgres, opening, true);
    const pooler = opening.use(await startPgBouncer(pgbouncer, { mode: "transaction", port: primary.port }));
    const databaseUrl = pooler.url(DATABASE, ROLE);
    const servers = await Promise.all([startServer({ databaseUrl }), startServer({ databaseUrl })]);
    for (const server of servers) opening.use(server);
    tellOnFailure(...servers);

    const load = startLoad([servers[0].grpc, servers[1].grpc]);
    await load.more(200);
    await primary.stop("kill");
    await standby.promote();
    await pooler.pointTo(standby.port);
    await load.more(200);
    const acknowledged = await load.stop();
    expect(await findLost(servers[1].grpc, acknowledged)).toEqual([]);
    expect(await standby.barriers()).toBeGreaterThan(0);

    // The servers' own connections stay through all of this: only what is behind the pooler changes.
    await primary.start();
    await pooler.pointTo(primary.port);
    await pooler.command("RECONNECT");
    await allReady(servers, false);
    expect(await Promise.all(servers.map(codeOf))).toEqual([Code.Unavailable, Code.Unavailable]);
    await pooler.pointTo(standby.port);
    await pooler.command("RECONNECT");
    await allReady(servers, true);
    expect(await findLost(servers[0].grpc, acknowledged)).toEqual([]);
  });
});
