import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemClock } from "../src/clock.ts";
import { startEmbeddedPostgres } from "../src/server/embedded-postgres.ts";
import { withClient } from "../src/store/postgres/connection.ts";
import { migrate } from "../src/store/postgres/migrate.ts";
import { silentLog } from "../src/telemetry/log.ts";

export interface BenchPostgres extends AsyncDisposable {
  readonly version: string;
  /** A migrated database of its own. */
  database(name: string): Promise<string>;
  /** Without anything of ours. */
  emptyDatabase(name: string): Promise<string>;
  /** SQL of the benchmark's own. */
  run(url: string, sql: string): Promise<void>;
}

/** Embedded Postgres with its default durability, in a directory that goes away afterwards. */
export async function startBenchPostgres(): Promise<BenchPostgres> {
  const dataDirectory = await mkdtemp(join(tmpdir(), "holdfast-bench-"));
  const postgres = await startEmbeddedPostgres({ dataDirectory, log: silentLog, clock: systemClock });
  const emptyDatabase = async (name: string) => {
    await withClient({ url: postgres.url }, (client) => client.query(`create database ${name}`));
    return withDatabase(postgres.url, name);
  };
  return {
    version: postgres.version,
    emptyDatabase,
    async database(name) {
      const url = await emptyDatabase(name);
      // The arms decide themselves when a table is analysed.
      await withClient({ url }, async (client) => {
        await migrate(client);
        await client.query("alter table holdfast.record set (autovacuum_enabled = off)");
      });
      return url;
    },
    async run(url, sql) {
      await withClient({ url }, (client) => client.query(sql));
    },
    async [Symbol.asyncDispose]() {
      await postgres.stop();
      await rm(dataDirectory, { recursive: true, force: true });
    },
  };
}

function withDatabase(url: string, name: string): string {
  return url.replace(/\/postgres(\?|$)/, `/${name}$1`);
}
