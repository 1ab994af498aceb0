import { createHash } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import type { Client } from "pg";

/** One file of migrations/, `NNNN_what.sql`. Forward only; once released a file never changes. */
export interface Migration {
  readonly version: number;
  readonly name: string;
  readonly text: string;
  readonly checksum: string;
}

/** `sentence` says what is the matter and what to do; a server runs on `current` only. */
export type SchemaStatus =
  | { readonly kind: "current"; readonly version: number; readonly sentence: string }
  | { readonly kind: "behind"; readonly pending: readonly string[]; readonly sentence: string }
  | { readonly kind: "ahead"; readonly unknown: readonly string[]; readonly sentence: string }
  | { readonly kind: "changed"; readonly changed: readonly string[]; readonly sentence: string };

type Applied = Pick<Migration, "version" | "name" | "checksum">;

const FILE = /^(\d{4})_\w+\.sql$/;
/** "holdfast" in bytes. Held for one transaction, so that it works behind a pooler too. */
const LOCK = "7525352680829580148";

const CREATE_REGISTER = `
  create schema if not exists holdfast;
  create table holdfast.migration (
    version integer primary key,
    name text not null,
    checksum text not null, -- SHA-256 of the file
    apply_time timestamptz not null default clock_timestamp()
  )`;

export async function readMigrations(): Promise<readonly Migration[]> {
  const folder = new URL("migrations/", import.meta.url);
  const names = (await readdir(folder)).filter((name) => FILE.test(name)).sort();
  return Promise.all(
    names.map(async (name) => {
      const text = (await readFile(new URL(name, folder), "utf8")).replaceAll("\r\n", "\n");
      return {
        version: Number(name.slice(0, 4)),
        name,
        text,
        checksum: createHash("sha256").update(text).digest("hex"),
      };
    }),
  );
}

/**
 * Brings the schema up to date, all in one transaction, and tells what it ran; nothing when it is current. Any number of
 * processes may do so at once: one runs, the others wait for it and find nothing left. Throws when the schema is ahead
 * or changed.
 */
export async function migrate(client: Client, migrations?: readonly Migration[]): Promise<readonly string[]> {
  const known = migrations ?? (await readMigrations());
  await client.query("begin isolation level read committed");
  try {
    await client.query("select pg_advisory_xact_lock($1::bigint)", [LOCK]);
    const status = await checkSchema(client, known);
    if (status.kind === "ahead" || status.kind === "changed") throw new Error(status.sentence);
    const pending = status.kind === "behind" ? known.filter(({ name }) => status.pending.includes(name)) : [];
    if (pending.length > 0 && !(await hasRegister(client))) await client.query(CREATE_REGISTER);
    for (const { version, name, checksum, text } of pending) {
      await client.query("insert into holdfast.migration (version, name, checksum) values ($1, $2, $3)", [
        version,
        name,
        checksum,
      ]);
      await client.query(text);
    }
    await client.query("commit");
    return pending.map(({ name }) => name);
  } catch (error) {
    await client.query("rollback").catch(() => undefined); // The first error is the one to tell; the session is going.
    throw error;
  }
}

/** What `migrate` would run, in order. Changes nothing. */
export async function planMigrations(client: Client, migrations?: readonly Migration[]): Promise<readonly Migration[]> {
  const known = migrations ?? (await readMigrations());
  const status = await checkSchema(client, known);
  return status.kind === "behind" ? known.filter(({ name }) => status.pending.includes(name)) : [];
}

/** Compares what the database has with what this build knows. Changes nothing. */
export async function checkSchema(client: Client, migrations?: readonly Migration[]): Promise<SchemaStatus> {
  const known = migrations ?? (await readMigrations());
  const applied = await readApplied(client);
  const unknown = applied.filter(({ version }) => !known.some((migration) => migration.version === version));
  if (unknown.length > 0) {
    const sentence = `The database's schema is newer than this build (it has ${list(unknown)}): use a newer holdfast.`;
    return { kind: "ahead", unknown: unknown.map(({ name }) => name), sentence };
  }
  const changed = known.filter((migration) =>
    applied.some(({ version, checksum }) => version === migration.version && checksum !== migration.checksum),
  );
  if (changed.length > 0) {
    const sentence = `${list(changed)} differs from what was run on this database: use the build that ran it, or a released one.`;
    return { kind: "changed", changed: changed.map(({ name }) => name), sentence };
  }
  const pending = known.filter(({ version }) => !applied.some((done) => done.version === version));
  if (pending.length > 0) {
    const sentence = `The database's schema is not up to date (${list(pending)} has not run). Run: holdfast migrate`;
    return { kind: "behind", pending: pending.map(({ name }) => name), sentence };
  }
  return { kind: "current", version: applied.at(-1)?.version ?? 0, sentence: "The schema is current." };
}

async function readApplied(client: Client): Promise<readonly Applied[]> {
  if (!(await hasRegister(client))) return [];
  const { rows } = await client.query<Applied>(
    "select version, name, checksum from holdfast.migration order by version",
  );
  return rows;
}

/**
 * Reads the catalog as a table. to_regclass answers from the session's cache, which is not refreshed while the session
 * waits for the advisory lock: one that had looked before would not see the register that another has just created.
 */
async function hasRegister(client: Client): Promise<boolean> {
  const { rows } = await client.query<{ found: boolean }>(
    "select exists (select from pg_tables where schemaname = 'holdfast' and tablename = 'migration') as found",
  );
  return rows[0]?.found === true;
}

function list(migrations: readonly Applied[]): string {
  return migrations.map(({ name }) => name).join(", ");
}
