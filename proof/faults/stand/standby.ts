import { readdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import pg from "pg";
import { openPlace } from "./place.ts";
import { copyDirectory, createPostgres, type OwnPostgres, type PostgresOptions } from "./postgres.ts";
import { findPrograms } from "./programs.ts";
import type { StandOptions } from "./stand.ts";

/** What a standby calls itself. */
export const STANDBY = "standby";

/** A standby of a primary that runs, by a copy of its files while they are written to; it does not run yet. */
export async function copyOf(
  primary: OwnPostgres,
  options: Pick<PostgresOptions, "onUnasked" | "shim">,
): Promise<OwnPostgres> {
  const place = await openPlace();
  const data = join(place.path, "data");
  const label = await backUp(primary, data);
  for (const name of ["postmaster.pid", "postmaster.opts"]) await rm(join(data, name), { force: true });
  for (const directory of ["pg_wal", "pg_replslot"]) await empty(join(data, directory));
  await writeFile(join(data, "backup_label"), label);
  await place.give();
  const postgres = await createPostgres({ ...options, place, programs: await findPrograms() });
  await postgres.becomeStandbyOf(primary.port, STANDBY);
  return {
    ...postgres,
    get isRunning() {
      return postgres.isRunning;
    },
    async [Symbol.asyncDispose]() {
      await postgres[Symbol.asyncDispose]();
      await place[Symbol.asyncDispose]();
    },
  };
}

/** Names the standby to a primary whose commits are to wait for it, and returns once it is in step. */
export async function follow(primary: OwnPostgres, kind: StandOptions["standby"]): Promise<void> {
  if (kind === "synchronous") await primary.configure({ synchronous_standby_names: STANDBY });
  await isFollowed(primary, kind);
}

export async function isFollowed(primary: OwnPostgres, kind: StandOptions["standby"]): Promise<void> {
  const state = kind === "synchronous" ? "sync" : "async";
  await primary.until(
    `select exists (select from pg_stat_replication where state = 'streaming' and sync_state = '${state}')`,
  );
}

/** The files, and what is to be said beside them. Begun and ended in one session, as it has to be. */
async function backUp(primary: OwnPostgres, to: string): Promise<string> {
  const client = new pg.Client({ connectionString: primary.url("postgres") });
  await client.connect();
  try {
    await client.query("select pg_backup_start('stand', true)");
    await copyDirectory(primary.data, to);
    const { rows } = await client.query<{ label: string }>("select labelfile as label from pg_backup_stop(false)");
    return rows[0]?.label ?? "";
  } finally {
    await client.end();
  }
}

async function empty(directory: string): Promise<void> {
  for (const name of await readdir(directory)) {
    if (name !== "archive_status" && name !== "summaries") await rm(join(directory, name), { recursive: true });
  }
}
