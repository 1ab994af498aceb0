import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemClock } from "../src/clock.ts";
import { startEmbeddedPostgres } from "../src/server/embedded-postgres.ts";
import { withClient } from "../src/store/postgres/connection.ts";
import { migrate } from "../src/store/postgres/migrate.ts";
import { silentLog } from "../src/telemetry/log.ts";
import { endedBySignalsToo } from "./ending.ts";

export interface BenchPostgres extends AsyncDisposable {
  readonly version: string;
  /** "fsync on, …": what decides how durable and how fast it is. */
  readonly settings: string;
  /** On the disk that the data are on; goes away with them. */
  readonly directory: string;
  /** A migrated database of its own. */
  database(name: string): Promise<string>;
  /** The same, for an arm that decides itself when its table is vacuumed and analysed. */
  databaseWithoutAutovacuum(name: string): Promise<string>;
  /** Without anything of ours. */
  emptyDatabase(name: string): Promise<string>;
  /** SQL of the benchmark's own. */
  run(url: string, sql: string): Promise<void>;
}

const SETTINGS = ["fsync", "synchronous_commit", "full_page_writes", "shared_buffers", "autovacuum"] as const;

/**
 * Embedded Postgres with its default durability, in a directory that goes away afterwards: also when this process is told
 * to end by a signal, which it does then.
 */
export async function startBenchPostgres(): Promise<BenchPostgres> {
  const directory = await mkdtemp(join(tmpdir(), "holdfast-bench-"));
  const starting = startEmbeddedPostgres({ dataDirectory: directory, log: silentLog, clock: systemClock });
  const end = endedBySignalsToo(async () => {
    try {
      await (await starting).stop();
    } finally {
      await rm(directory, { recursive: true, force: true });
    }
  });
  const postgres = await starting;
  const run = (url: string, sql: string) => withClient({ url }, async (client) => void (await client.query(sql)));
  const emptyDatabase = async (name: string) => {
    await run(postgres.url, `create database ${name}`);
    return withDatabase(postgres.url, name);
  };
  const database = async (name: string) => {
    const url = await emptyDatabase(name);
    await withClient({ url }, migrate);
    return url;
  };
  return {
    ...{ version: postgres.version, directory, database, emptyDatabase, run },
    settings: await readSettings(postgres.url),
    async databaseWithoutAutovacuum(name) {
      const url = await database(name);
      await run(url, "alter table holdfast.record set (autovacuum_enabled = off)");
      return url;
    },
    [Symbol.asyncDispose]: end,
  };
}

async function readSettings(url: string): Promise<string> {
  return withClient({ url }, async (client) => {
    const { rows } = await client.query<{ settings: string }>(
      "select string_agg(name || ' ' || current_setting(name), ', ' order by i) as settings from unnest($1::text[]) with ordinality as s (name, i)",
      [SETTINGS],
    );
    return rows[0]?.settings ?? "";
  });
}

function withDatabase(url: string, name: string): string {
  return url.replace(/\/postgres(\?|$)/, `/${name}$1`);
}
