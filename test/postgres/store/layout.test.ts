import type pg from "pg";
import { afterAll, beforeAll, expect, test } from "vitest";
import { withClient } from "../../../src/store/postgres/connection.ts";
import { migrate, readMigrations } from "../../../src/store/postgres/migrate.ts";
import { createEmptyDatabase } from "../../support/database.ts";
import { createScene, openSessions, type Sessions } from "./sessions.ts";

let sessions: Sessions;
beforeAll(async () => {
  sessions = await openSessions();
});
const drops: (() => Promise<void>)[] = [];
afterAll(async () => {
  await sessions.close();
  await Promise.all(drops.map((drop) => drop()));
});

/** As the version before has left it, with something of the operator's own. */
async function oldDatabase(sql = "select"): Promise<string> {
  const { url, drop } = await createEmptyDatabase();
  drops.push(drop);
  const before = (await readMigrations()).filter(({ version }) => version < 5);
  await withClient({ url }, async (client) => {
    await migrate(client, before);
    await client.query(sql);
  });
  return url;
}

async function optionsOf(client: pg.Client): Promise<readonly string[]> {
  const { rows } = await client.query<{ options: string[] }>(
    "select reloptions as options from pg_class where oid = 'holdfast.record'::regclass",
  );
  return rows[0]?.options ?? [];
}

test("a tenth of the table changes before it is vacuumed, and before it is analysed", async () => {
  const options = await withClient({ url: await oldDatabase() }, async (client) => {
    expect(await migrate(client)).toContain("0005_record_layout.sql");
    return optionsOf(client);
  });
  expect(options).toEqual(
    expect.arrayContaining([
      "fillfactor=70",
      "autovacuum_vacuum_scale_factor=0.1",
      "autovacuum_analyze_scale_factor=0.1",
      "autovacuum_vacuum_cost_delay=1",
    ]),
  );
});

test("what an operator has set for vacuums stands", async () => {
  const url = await oldDatabase(
    "alter table holdfast.record set (autovacuum_vacuum_scale_factor = 0.01), reset (autovacuum_analyze_scale_factor)",
  );
  const options = await withClient({ url }, async (client) => {
    await migrate(client);
    return optionsOf(client);
  });
  expect(options).toContain("autovacuum_vacuum_scale_factor=0.01");
  expect(options.filter((option) => option.startsWith("autovacuum_analyze_scale_factor"))).toEqual([]);
});

test("results, checkpoints and errors are compressed by lz4 where this Postgres has it, else by its default", async () => {
  const compressed = await withClient({ url: await oldDatabase() }, async (client) => {
    await migrate(client);
    const { rows } = await client.query<{ column: string; compression: string; has_lz4: boolean }>(
      `select
         a.attrelid::regclass || '.' || a.attname as column,
         a.attcompression as compression,
         (select 'lz4' = any (s.enumvals) from pg_settings s where s.name = 'default_toast_compression') as has_lz4
       from pg_attribute a
       where a.attrelid in ('holdfast.record'::regclass, 'holdfast.record_event'::regclass)
         and a.attname in ('outcome', 'checkpoint', 'error')
       order by 1`,
    );
    return rows;
  });
  const wanted = compressed[0]?.has_lz4 ? "l" : "";
  expect(compressed.map(({ column, compression }) => [column, compression])).toEqual([
    ["holdfast.record.checkpoint", wanted],
    ["holdfast.record.outcome", wanted],
    ["holdfast.record_event.error", wanted],
  ]);
});

test("rows that there are stay as they are: the table is not written anew", async () => {
  const url = await oldDatabase();
  await withClient({ url }, async (client) => {
    const file = async () => (await client.query("select pg_relation_filenode('holdfast.record') as file")).rows;
    const before = await file();
    await migrate(client);
    expect(await file()).toEqual(before);
  });
});

test("a heartbeat and a waiter's flag touch no index", async () => {
  const scene = createScene(sessions);
  const lease = await scene.a.acquire();
  await scene.sql("begin");
  await scene.a.heartbeat(lease);
  const call = { key: scene.key, state: "in-progress", fence: lease.fence } as const;
  expect(await scene.storeA.watch(call, Number.POSITIVE_INFINITY)).toBe(true);
  const [counted] = await sessions.a.query<object>({ name: "", text: UPDATES_OF_TRANSACTION }, []);
  await scene.sql("commit");
  expect(counted).toEqual({ updated: 2, heap_only: 2 });
});

const UPDATES_OF_TRANSACTION = `
  select
    pg_stat_get_xact_tuples_updated('holdfast.record'::regclass)::int as updated,
    pg_stat_get_xact_tuples_hot_updated('holdfast.record'::regclass)::int as heap_only`;
