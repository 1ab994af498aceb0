import { randomBytes } from "node:crypto";
import { afterAll, beforeAll, expect, test } from "vitest";
import { examine } from "../postgres/cli/doctor/stand.ts";
import { type Cluster, createCluster, withPlainClient } from "./support/cluster.ts";
import { type PgBouncerOptions, startPgBouncer } from "./support/pgbouncer.ts";
import { describeWith } from "./support/programs.ts";
import { makeDatabase, ROLE } from "./support/stand.ts";

const level = (found: string) => expect.objectContaining({ level: found });

await describeWith(["postgres", "pgbouncer"], "doctor", (programs) => {
  let cluster: Cluster;

  beforeAll(async () => {
    cluster = await createCluster(programs.postgres);
    await cluster.configure({ max_prepared_transactions: "5" });
    await cluster.stop("fast");
    await cluster.start();
  });

  afterAll(() => cluster?.[Symbol.asyncDispose]());

  async function database(forPooler = true): Promise<string> {
    const name = `examined_${randomBytes(4).toString("hex")}`;
    await makeDatabase(cluster, name, { forPooler });
    return name;
  }

  const bouncer = (mode: PgBouncerOptions["mode"]) =>
    startPgBouncer(programs.pgbouncer, { mode, port: cluster.port, settings: { default_pool_size: 3 } });

  test("tells a pooler in transaction mode, what its role lacks, and what an address past it is good for", async () => {
    const name = await database(false);
    await using pooler = await bouncer("transaction");
    const url = pooler.url(name, ROLE);
    const before = await examine(url);
    expect(before.of("pooler")).toEqual([
      { check: "pooler", level: "ok", sentence: "In transaction mode.", mend: null },
    ]);
    expect(before.of("listen")).toEqual([
      expect.objectContaining({ level: "warning", mend: expect.stringContaining("--listen-url") }),
    ]);
    const [lacking] = before.of("start").filter(({ sentence }) => sentence.includes("settings from the role"));
    const [, sql] = /Run: (alter role .*?;) Then make the pooler/.exec(lacking?.mend ?? "") ?? [];
    await cluster.sql(sql ?? "", name);
    await pooler.command("RECONNECT");
    const after = await examine(url, "--listen-url", cluster.url(name, ROLE));
    expect(after.of("start").filter(({ sentence }) => sentence.includes("settings from the role"))).toEqual([]);
    expect(after.of("listen")).toEqual([level("ok")]);
    for (const check of ["audit", "records", "vacuum", "placements", "triggers"]) {
      expect(after.of(check), check).not.toContainEqual(level("problem"));
      expect(after.of(check), check).not.toContainEqual(level("warning"));
    }
  });

  test("leaves nothing behind in the connections of a pooler", async () => {
    const name = await database();
    await using pooler = await bouncer("transaction");
    const url = pooler.url(name, ROLE);
    const look = () =>
      withPlainClient(url, async (client) => {
        const { rows } = await client.query(
          "select pg_backend_pid() as pid, name, setting from pg_settings where source = 'session' order by name",
        );
        return rows.filter(
          (row) => !["application_name", "client_encoding", "TimeZone", "DateStyle"].includes(row.name),
        );
      });
    await examine(url);
    expect(await look()).toEqual([]);
  });

  test("tells a pooler that they said is none, and one in session mode", async () => {
    const name = await database();
    await using transaction = await bouncer("transaction");
    expect((await examine(transaction.url(name, ROLE), "--pooler", "none")).of("pooler")).toEqual([level("problem")]);
    await using session = await bouncer("session");
    expect((await examine(session.url(name, ROLE))).of("pooler")).toEqual([
      expect.objectContaining({ level: "ok", sentence: expect.stringContaining("session mode") }),
    ]);
  });

  test("tells a pooler in statement mode, although nothing else can be read through it", async () => {
    const name = await database();
    await using pooler = await bouncer("statement");
    const { of, code } = await examine(pooler.url(name, ROLE));
    expect(code).toBe(1);
    expect(of("pooler")).toEqual([
      expect.objectContaining({
        level: "problem",
        mend: expect.stringContaining("pool_mode = transaction or session"),
      }),
    ]);
  });

  test("tells prepared transactions that nobody has committed", async () => {
    const name = await database();
    await withPlainClient(cluster.url(name), async (client) => {
      await client.query("begin");
      await client.query("select from holdfast.audit_head for update");
      await client.query("prepare transaction 'forgotten'");
    });
    // Not for long: how long is judged elsewhere.
    expect((await examine(cluster.url(name))).of("prepared")).toEqual([
      expect.objectContaining({ sentence: "A transaction was prepared just now." }),
    ]);
    await cluster.sql("rollback prepared 'forgotten'", name);
  });

  test("tells standbys: one that nobody waits for, one that is waited for, one that is missing", async () => {
    const name = await database();
    const url = cluster.url(name);
    const said = async () => (await examine(url)).of("replication");
    expect(await said()).toEqual([
      expect.objectContaining({ level: "ok", sentence: expect.stringContaining("no standby") }),
    ]);
    const standby = await cluster.standby("beside");
    try {
      await expect.poll(said, { timeout: 20_000 }).toEqual([level("warning")]);
      await cluster.sql("alter system set synchronous_standby_names = 'beside'");
      await cluster.reload();
      await expect
        .poll(said, { timeout: 20_000 })
        .toEqual([expect.objectContaining({ level: "ok", sentence: "1 of 1 standbys are synchronous." })]);
      expect((await examine(standby.url(name))).of("start")).toContainEqual(
        expect.objectContaining({ level: "problem", sentence: "It is a standby." }),
      );
    } finally {
      await standby[Symbol.asyncDispose]();
    }
    await expect
      .poll(said, { timeout: 20_000 })
      .toEqual([expect.objectContaining({ level: "problem", sentence: expect.stringContaining("none is attached") })]);
    await cluster.sql("alter system reset synchronous_standby_names");
    await cluster.reload();
  });

  test("tells a replication slot only when it keeps much", async () => {
    const name = await database();
    await cluster.sql("select pg_create_physical_replication_slot('left_behind', true)");
    expect((await examine(cluster.url(name))).of("slots")).toEqual([
      expect.objectContaining({ level: "ok", sentence: "No replication slot keeps much." }),
    ]);
    await cluster.sql("select pg_drop_replication_slot('left_behind')");
  });
});
