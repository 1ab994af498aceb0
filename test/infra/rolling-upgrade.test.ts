import { afterAll, beforeAll, expect, test } from "vitest";
import { readMigrations } from "../../src/store/postgres/migrate.ts";
import { holdfast, type ServerProcess, spawnServer, startServer } from "../process/server.ts";
import { until } from "../process/waiting-calls.ts";
import { buildOf, successorWith } from "./support/builds.ts";
import { type Cluster, createCluster } from "./support/cluster.ts";
import { findLost, startLoad } from "./support/load.ts";
import { describeWith, noteSkipped } from "./support/programs.ts";
import { readyz } from "./support/readyz.ts";
import { makeDatabase, ROLE } from "./support/stand.ts";

/** The last that knew the migrations up to 0002 and no further. */
const FORMER = { commit: "3b2e53f", knows: ["0001_record.sql", "0002_tenants.sql"] };

await describeWith(["postgres"], "a rolling upgrade", ({ postgres }) => {
  let cluster: Cluster;

  beforeAll(async () => {
    cluster = await createCluster(postgres);
  });

  afterAll(() => cluster?.[Symbol.asyncDispose]());

  /** What failed for a reason of ours, and not because something was away for a moment. */
  const internal = ({ lines }: ServerProcess) => lines.filter(({ reason }) => reason === "INTERNAL");

  test("a server of the former build goes on while the schema is migrated, and beside a server of this one", async (context) => {
    await using former = await buildOf(FORMER.commit);
    if (former === null) {
      await noteSkipped(
        `a rolling upgrade from the former build: ${FORMER.commit} is not in the history of this checkout`,
      );
      return context.skip();
    }
    await cluster.sql("create role upgrader login");
    await cluster.sql("create database upgraded owner upgrader");
    const databaseUrl = cluster.url("upgraded", "upgrader");
    const { main } = former;
    const made = await holdfast(["migrate", "--database-url", databaseUrl], {}, main);
    expect(made.stdout).toBe(`Applied ${FORMER.knows.join(", ")}.\n`);
    await using old = await startServer({ databaseUrl, main });

    const before = startLoad([old.grpc]);
    await before.more(100);
    const migrated = await holdfast(["migrate", "--database-url", databaseUrl]);
    const later = (await readMigrations()).slice(FORMER.knows.length).map(({ name }) => name);
    expect(migrated).toMatchObject({ code: 0, stdout: `Applied ${later.join(", ")}.\n` });
    await before.more(100);
    const first = await before.stop();

    await using fresh = await startServer({ databaseUrl });
    const both = startLoad([old.grpc, fresh.grpc]);
    await both.more(200);
    const second = await both.stop();
    for (const server of [old, fresh]) {
      expect(await findLost(server.grpc, [...first, ...second])).toEqual([]);
      expect(internal(server)).toEqual([]);
      expect(await readyz(server)).toMatchObject({ ready: true });
    }

    // Changes of tenants go both ways too, by way of the same log.
    const tenants = (server: ServerProcess, ...words: readonly string[]) =>
      holdfast(["tenants", ...words, "--server", server.grpc]);
    expect(await tenants(old, "register", "from-old", "--reason", "test")).toMatchObject({ code: 0 });
    expect(await tenants(fresh, "register", "from-fresh", "--reason", "test")).toMatchObject({ code: 0 });
    for (const server of [old, fresh]) {
      const { stdout } = await tenants(server, "list");
      expect(stdout).toContain("from-old");
      expect(stdout).toContain("from-fresh");
    }
  });

  test("this build goes on, and starts, with a schema of its successor that says it may", async () => {
    await makeDatabase(cluster, "successor", { forPooler: false });
    const databaseUrl = cluster.url("successor", ROLE);
    const newest = (await readMigrations()).at(-1)?.version ?? 0;
    const next = `${String(newest + 1).padStart(4, "0")}_next.sql`;
    await using running = await startServer({ databaseUrl });
    const load = startLoad([running.grpc]);
    await load.more(50);
    await using successor = await successorWith({
      name: next,
      text: `-- oldest-reader: ${newest}\n\nalter table holdfast.record add column next_thing text;\n`,
    });
    const migrated = await holdfast(["migrate", "--database-url", databaseUrl], {}, successor.main);
    expect(migrated).toMatchObject({ code: 0, stdout: `Applied ${next}.\n` });
    await load.more(50);
    expect(await findLost(running.grpc, await load.stop())).toEqual([]);
    expect(internal(running)).toEqual([]);

    await using again = await startServer({ databaseUrl });
    const warned = await again.logged(
      `The database's schema is newer than this build (it has ${next}), which may go on with it.`,
    );
    expect(warned).toMatchObject({ level: "warn", unknown: [next] });
    await until(async () => (await readyz(again)).ready);
    expect(await holdfast(["migrate", "status", "--database-url", databaseUrl])).toMatchObject({ code: 0 });
    expect(await holdfast(["migrate", "--database-url", databaseUrl])).toMatchObject({ code: 0 });
  });

  test("this build does not start with a schema of its successor that does not say so", async () => {
    await makeDatabase(cluster, "breaking", { forPooler: false });
    const databaseUrl = cluster.url("breaking", ROLE);
    const newest = (await readMigrations()).at(-1)?.version ?? 0;
    const next = `${String(newest + 1).padStart(4, "0")}_next.sql`;
    await using successor = await successorWith({ name: next, text: "select 'nobody but who knows this may go on'" });
    expect(await holdfast(["migrate", "--database-url", databaseUrl], {}, successor.main)).toMatchObject({ code: 0 });
    const refused = spawnServer({ databaseUrl });
    expect(await refused.exited).toMatchObject({ code: 1 });
    expect(refused.stderr()).toContain(`newer than this build (it has ${next}): use a newer holdfast`);
  });
});
