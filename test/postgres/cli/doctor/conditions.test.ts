import { randomBytes } from "node:crypto";
import { expect, inject, onTestFinished, test } from "vitest";
import { withClient } from "../../../../src/store/postgres/connection.ts";
import { migrate, readMigrations } from "../../../../src/store/postgres/migrate.ts";
import { logLine, tamper } from "../../../support/audit-log.ts";
import { createEmptyDatabase } from "../../../support/database.ts";
import { another, examine, patient, recordSql } from "./stand.ts";

const ok = (findings: readonly { readonly level: string }[]) =>
  findings.map(({ level }) => level).every((level) => level === "ok");

test("of a database with which nothing is wrong every check says so", async () => {
  const { url, client } = await patient();
  await logLine(client);
  await client.query(recordSql("open", {}));
  // The server of the tests need not outlive a crash of its machine, and is full of others' transactions and locks.
  const shared = [
    "start",
    "transactions",
    "locks",
    "prepared",
    "connections",
    "replication",
    "slots",
    "archiving",
    "connection",
  ];
  const { findings } = await examine(url);
  expect(findings.filter(({ check, level }) => !shared.includes(check) && level !== "ok")).toEqual([
    expect.objectContaining({ of: "server", level: "warning" }),
  ]);
  expect(new Set(findings.map(({ check }) => check))).toEqual(
    new Set([
      ...shared,
      ...["pooler", "clock", "listen", "vacuum", "indexes", "triggers", "sweeper", "records", "audit", "wraparound"],
      ...["placements", "server"],
    ]),
  );
});

test("what a server would refuse at its start is a problem, each with how to mend it", async () => {
  const { url, client } = await patient();
  const { rows } = await client.query("select quote_ident(current_database()) as name");
  const alter = (setting: string) => client.query(`alter database ${rows[0].name} set ${setting}`);
  await alter("default_transaction_isolation = 'serializable'");
  await alter("synchronous_commit = off");
  const said = (await examine(url)).of("start");
  expect(said).toContainEqual({
    ...{ check: "start", level: "problem", sentence: "default_transaction_isolation is serializable." },
    mend: expect.stringMatching(/^Run: alter role \S+ set default_transaction_isolation = 'read committed'\.$/),
  });
  expect(said).toContainEqual(
    expect.objectContaining({ sentence: expect.stringMatching(/^synchronous_commit is off:/) }),
  );
  await alter("synchronous_commit = on");
  await alter("default_transaction_isolation = 'read committed'");
  expect((await examine(url)).of("start").map(({ sentence }) => sentence)).not.toContainEqual(
    expect.stringMatching(/synchronous_commit|isolation/),
  );
});

test.each([
  ["no schema", 0, "0001_record.sql"],
  ["the schema of an older version", 2, "0003_audit_chain.sql"],
])("a database with %s is told to migrate, and the tables are not looked at", async (_, version, pending) => {
  const { url, drop } = await createEmptyDatabase();
  onTestFinished(drop);
  const known = (await readMigrations()).filter((migration) => migration.version <= version);
  if (version > 0) await withClient({ url }, (client) => migrate(client, known));
  const { code, of } = await examine(url);
  expect(code).toBe(1);
  const [schema] = of("start").filter(({ sentence }) => sentence.includes("Run: holdfast migrate"));
  expect(schema?.sentence).toContain(pending);
  expect(of("records")).toEqual([expect.objectContaining({ level: "skipped" })]);
  expect(of("audit")).toEqual([]);
  expect(ok(of("wraparound"))).toBe(true);
});

test("a role is told what it may not use, and what it does not see", async () => {
  const { ownerUrl: url, client } = await patient();
  const role = `holdfast_doctor_${randomBytes(4).toString("hex")}`;
  await client.query(`create role ${role}`);
  onTestFinished(() =>
    withClient({ url: inject("postgresUrl") }, (admin) => admin.query(`drop role ${role}`)).then(() => undefined),
  );
  onTestFinished(() => withClient({ url }, (admin) => admin.query(`drop owned by ${role}`)).then(() => undefined));
  const asRole = `${url}${url.includes("?") ? "&" : "?"}options=-c%20role%3D${role}`;
  const before = await examine(asRole);
  const [lacking] = before.of("start").filter(({ sentence }) => sentence.includes("may not use"));
  const [, grants] = /^Run: (.*);$/.exec(lacking?.mend ?? "") ?? [];
  const [unseen] = before.of("transactions");
  expect(unseen).toMatchObject({ level: "skipped", mend: `Run: grant pg_read_all_stats to ${role}.` });
  await client.query(
    `${grants}; grant select on all tables in schema holdfast to ${role}; grant pg_read_all_stats to ${role}`,
  );
  const after = await examine(asRole);
  expect(after.of("start").filter(({ sentence }) => sentence.includes("may not use"))).toEqual([]);
  for (const check of ["audit", "triggers", "records", "sweeper", "vacuum", "placements"]) {
    expect(ok(after.of(check)), check).toBe(true);
  }
});

test("a table that is locked hides no other check", async () => {
  const { url } = await patient();
  const holder = await another(url);
  await holder.query("begin");
  await holder.query("lock table holdfast.record in access exclusive mode");
  const { of } = await examine(url);
  for (const check of ["vacuum", "sweeper", "records"]) {
    expect(of(check), check).toEqual([
      expect.objectContaining({ level: "warning", sentence: "What it reads is locked." }),
    ]);
  }
  for (const check of ["audit", "listen", "triggers", "placements", "wraparound"])
    expect(ok(of(check)), check).toBe(true);
});

test("a rewritten audit log is a problem that names the line, and so are its triggers when they are off", async () => {
  const { url, client } = await patient();
  for (const subject of ["one", "two", "three"]) await logLine(client, { subject });
  await tamper(client, "update holdfast.audit set reason = 'x' where subject = 'two'");
  await client.query("alter table holdfast.audit disable trigger audit_keep");
  const { of, healthy } = await examine(url);
  expect(healthy).toBe(false);
  expect(of("audit")).toEqual([
    expect.objectContaining({
      level: "problem",
      sentence: expect.stringContaining("line 3 does not follow from line 2"),
    }),
  ]);
  expect(of("triggers")).toEqual([
    expect.objectContaining({ level: "problem", sentence: "Triggers are disabled: audit_keep." }),
  ]);
});

test("dead rows that nothing removes are told, with why and with what does", async () => {
  const { url, client } = await patient();
  await client.query("alter table holdfast.record set (autovacuum_enabled = false)");
  const columns = { key: "'k' || i" };
  await client.query(
    `${recordSql("", columns).replace(/values \((.*)\)$/s, "select $1 from generate_series(1, 30000) i")}`,
  );
  await client.query("delete from holdfast.record");
  await client.query("select pg_stat_force_next_flush()");
  await client.query("select 1");
  const said = (await examine(url)).of("vacuum").filter(({ level }) => level !== "ok");
  expect(said).toEqual([
    expect.objectContaining({ level: "problem", sentence: expect.stringContaining("is not vacuumed by itself") }),
    expect.objectContaining({
      level: "warning",
      sentence: expect.stringContaining("30,000 dead rows beside 0 live ones"),
    }),
  ]);
});

test("an index that is none of ours is told", async () => {
  const { url, client } = await patient();
  await client.query("create index theirs on holdfast.record (due)");
  expect((await examine(url)).of("indexes")).toEqual([
    expect.objectContaining({
      level: "warning",
      mend: expect.stringContaining("drop index concurrently holdfast.theirs"),
    }),
  ]);
});

test("records that are stuck are counted by why, and what nobody has swept is told", async () => {
  const { url, client } = await patient();
  const hoursAgo = (hours: number) => `now() - interval '${hours} h'`;
  await client.query(recordSql("unknown", { state: "5", due: hoursAgo(3), reason: "2" }));
  await client.query(recordSql("held", { hold: "true", due: hoursAgo(2) }));
  await client.query(recordSql("left", { due: hoursAgo(1), result_retention_ms: "86400000" }));
  await client.query(recordSql("waits", { state: "2", due: hoursAgo(1), result_retention_ms: "86400000" }));
  await client.query(recordSql("fine", {}));
  const ended = {
    state: "3",
    outcome: "''",
    due: hoursAgo(4),
    sweep_at: hoursAgo(4),
    end_time: hoursAgo(5),
    forget_at: hoursAgo(3),
  };
  await client.query(recordSql("done", ended));
  const { of } = await examine(url);
  expect(of("records")).toEqual([
    expect.objectContaining({
      level: "warning",
      sentence:
        "Of 5 open records some are stuck: 2 of unknown outcome (longest 3h), 1 left by their holders (longest 1h), " +
        "1 to be claimed again, and nobody has (longest 1h).",
    }),
  ]);
  expect(of("sweeper")).toEqual([
    expect.objectContaining({
      level: "problem",
      sentence: "1 record past retention wait to be swept, the first for 4h.",
    }),
  ]);
});
