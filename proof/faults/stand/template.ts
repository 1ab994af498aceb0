import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { spawnAs } from "../../../src/server/embedded-postgres/account.ts";
import { withClient } from "../../../src/store/postgres/connection.ts";
import { migrate } from "../../../src/store/postgres/migrate.ts";
import { roleSettingsSql } from "../../../src/store/postgres/session-settings.ts";
import { openPlace } from "./place.ts";
import { createPostgres, DATABASE, ROLE, writeSettings } from "./postgres.ts";
import { findPrograms } from "./programs.ts";

const run = promisify(execFile);

const SETTINGS: Readonly<Record<string, string>> = {
  listen_addresses: "127.0.0.1",
  max_connections: "200",
  shared_buffers: "32MB",
  // What a crash of processes loses, the operating system still has; a row about losses of power turns it on.
  fsync: "off",
  synchronous_commit: "on",
  // In its own directory: what is killed and never started again leaves nothing in that of the system.
  dynamic_shared_memory_type: "mmap",
  wal_level: "replica",
  max_wal_senders: "10",
  // A standby that is made under load finds what it has missed.
  wal_keep_size: "1GB",
  wal_receiver_status_interval: "1s",
  wal_retrieve_retry_interval: "200ms",
};

let made: Promise<string> | null = null;

/** A cluster that lies still, with a migrated database and its role: to be copied by whoever wants one, a standby too. */
export function templateData(): Promise<string> {
  made ??= make();
  return made;
}

/** It lasts as long as this process. */
async function make(): Promise<string> {
  const programs = await findPrograms();
  const place = await openPlace();
  const data = join(place.path, "data");
  const plain = ["-U", "postgres", "-A", "trust", "--no-sync", "--encoding=UTF8", "--locale=C", "--no-instructions"];
  await run(programs.initdb, ["-D", data, ...plain], {
    ...spawnAs(place.account),
    cwd: "/",
    env: { PATH: process.env["PATH"], LC_ALL: "C", TZ: "UTC" },
  });
  await writeSettings(data, SETTINGS);
  const onUnasked = (what: string) => process.stderr.write(`${what}\n`);
  await using postgres = await createPostgres({ place, programs, onUnasked });
  await postgres.start();
  await withClient({ url: postgres.url("postgres") }, async (client) => {
    await client.query(`create role ${ROLE} login`);
    await client.query(`create database ${DATABASE} owner ${ROLE}`);
    await client.query(roleSettingsSql(ROLE, DATABASE));
  });
  await withClient({ url: `postgresql://${ROLE}@127.0.0.1:${postgres.port}/${DATABASE}` }, (client) => migrate(client));
  await postgres.stop("fast");
  return data;
}
