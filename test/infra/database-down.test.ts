import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { newKey } from "../process/callers.ts";
import { spawnServer, startServer } from "../process/server.ts";
import { connect, hold, until } from "../process/waiting-calls.ts";
import { type Cluster, createCluster } from "./support/cluster.ts";
import { findLost, startLoad } from "./support/load.ts";
import { describeWith, noteMeasured } from "./support/programs.ts";
import { readyz } from "./support/readyz.ts";
import { makeDatabase, ROLE } from "./support/stand.ts";

const AWAY_MS = 20_000;

await describeWith(["postgres"], "a database that is down", ({ postgres }) => {
  let cluster: Cluster;

  beforeAll(async () => {
    cluster = await createCluster(postgres);
    await makeDatabase(cluster, "served", { forPooler: false });
  });

  afterAll(() => cluster?.[Symbol.asyncDispose]());

  const url = () => cluster.url("served", ROLE);

  test("for 20 s at the start keeps the server alive and not ready, and it serves as soon as it is there", async () => {
    await cluster.stop("fast");
    const server = spawnServer({ databaseUrl: url(), args: ["--log-level", "debug"] });
    try {
      const { http } = await server.logged("the HTTP port listens");
      const status = async (page: string) => (await fetch(`http://${http}/${page}`)).status;
      const seen = new Set<string>();
      for (const endMs = performance.now() + AWAY_MS; performance.now() < endMs; await sleep(250)) {
        seen.add(`${await status("livez")} ${await status("readyz")}`);
      }
      expect([...seen]).toEqual(["200 503"]);
      const told = server.lines.filter(({ message }) => message === "waiting for the database");
      expect(told.length).toBeGreaterThanOrEqual(2);
      expect(told.length).toBeLessThanOrEqual(4);

      await cluster.start();
      const thereAtMs = performance.now();
      const { grpc } = await server.logged("listening");
      await noteMeasured(
        `a server listens ${Math.round(performance.now() - thereAtMs)} ms after its database, which was away for 20 s`,
      );
      expect(await status("readyz")).toBe(200);
      using caller = connect(String(grpc));
      await hold(caller, newKey());
    } finally {
      server.signal("SIGTERM");
      expect(await server.exited).toEqual({ code: 0, signal: null });
    }
  });

  test("that has no connection left for the server at its start is waited for", async () => {
    await cluster.sql(`alter role ${ROLE} connection limit 0`);
    const server = spawnServer({ databaseUrl: url() });
    const waits = await server.logged("waiting for the database");
    expect(waits["reason"]).toContain(`too many connections for role "${ROLE}"`);
    await cluster.sql(`alter role ${ROLE} connection limit -1`);
    await server.logged("listening");
    server.signal("SIGTERM");
    expect(await server.exited).toEqual({ code: 0, signal: null });
  });

  test("after the start makes the server not ready for so long, and loses nothing, crash after crash", async () => {
    await using server = await startServer({ databaseUrl: url() });
    const load = startLoad([server.grpc]);
    for (const mode of ["immediate", "kill", "fast"] as const) {
      await load.more(100);
      await cluster.stop(mode);
      await until(async () => !(await readyz(server)).ready);
      await cluster.start();
      await until(async () => (await readyz(server)).ready);
    }
    await load.more(100);
    expect(await findLost(server.grpc, await load.stop())).toEqual([]);
  });
});
