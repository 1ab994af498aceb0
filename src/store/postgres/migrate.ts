import { createHash } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { type Client, DatabaseError } from "pg";

/** One file of migrations/, `NNNN_what.sql`. Forward only; once released a file never changes. */
export interface Migration {
  readonly version: number;
  readonly name: string;
  readonly text: string;
  readonly checksum: string;
  /**
   * A build whose newest migration is this one may go on with the schema that this migration leaves; its own version when
   * none but builds that know it may. From a line of the file: `-- oldest-reader: 2`.
   */
  readonly oldestReader?: number;
}

/**
 * `sentence` says what is the matter and what to do. A server runs on `current`, and on `newer`: what this build does not
 * know was made so that it may go on, while the others of a rolling upgrade start.
 */
export type SchemaStatus =
  | { readonly kind: "current"; readonly version: number; readonly sentence: string }
  | { readonly kind: "newer"; readonly unknown: readonly string[]; readonly sentence: string }
  | { readonly kind: "behind"; readonly pending: readonly string[]; readonly sentence: string }
  | { readonly kind: "ahead"; readonly unknown: readonly string[]; readonly sentence: string }
  | { readonly kind: "changed"; readonly changed: readonly string[]; readonly sentence: string };

type Applied = Pick<Migration, "version" | "name" | "checksum" | "oldestReader">;

const OLDEST_READER = /^-- oldest-reader: (\d+)$/m;

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

/** Null: as if it were the version. Made by no migration, for it is read before any is run. */
const EXTEND_REGISTER = "alter table holdfast.migration add column if not exists oldest_reader integer";

/** A statement that waits for a table makes all wait that come after it, and whoever has the table may take hours. */
const LOCK_TIMEOUT = "3s";

/** lock_not_available, and deadlock_detected: somebody has one table and waits for another one. */
const IN_USE: ReadonlySet<string> = new Set(["55P03", "40P01"]);

export async function readMigrations(): Promise<readonly Migration[]> {
  const folder = new URL("migrations/", import.meta.url);
  const names = (await readdir(folder)).filter((name) => FILE.test(name)).sort();
  return Promise.all(
    names.map(async (name) => {
      const text = (await readFile(new URL(name, folder), "utf8")).replaceAll("\r\n", "\n");
      const version = Number(name.slice(0, 4));
      const oldestReader = Number(OLDEST_READER.exec(text)?.[1] ?? version);
      return { version, name, text, checksum: createHash("sha256").update(text).digest("hex"), oldestReader };
    }),
  );
}

/**
 * Brings the schema up to date, all in one transaction, and tells what it ran; nothing when it is current. Any number of
 * processes may do so at once: one runs, the others wait for it and find nothing left. Throws when the schema is ahead
 * or changed, and when somebody has a table for too long.
 */
export async function migrate(client: Client, migrations?: readonly Migration[]): Promise<readonly string[]> {
  const known = migrations ?? (await readMigrations());
  await client.query("begin isolation level read committed");
  try {
    // The role may have bounds of its own, for the hot path.
    await client.query("set local statement_timeout = 0; set local lock_timeout = 0");
    await client.query("set local idle_in_transaction_session_timeout = 0");
    await client.query("select pg_advisory_xact_lock($1::bigint)", [LOCK]);
    await client.query(`set local lock_timeout = '${LOCK_TIMEOUT}'`);
    const status = await checkSchema(client, known);
    if (status.kind === "ahead" || status.kind === "changed") throw new Error(status.sentence);
    const pending = status.kind === "behind" ? known.filter(({ name }) => status.pending.includes(name)) : [];
    if (pending.length > 0) {
      if (!(await hasRegister(client))) await client.query(CREATE_REGISTER);
      await client.query(EXTEND_REGISTER);
    }
    for (const { version, name, checksum, text, oldestReader } of pending) {
      await client.query(
        "insert into holdfast.migration (version, name, checksum, oldest_reader) values ($1, $2, $3, $4)",
        [version, name, checksum, oldestReader ?? version],
      );
      await client.query(text);
    }
    await client.query("commit");
    return pending.map(({ name }) => name);
  } catch (error) {
    await client.query("rollback").catch(() => undefined); // The first error is the one to tell; the session is going.
    throw error instanceof DatabaseError && IN_USE.has(error.code ?? "") ? new TablesInUse(error) : error;
  }
}

/** Nothing was changed: a table was not to be had within `LOCK_TIMEOUT`. */
export class TablesInUse extends Error {
  override readonly name = "TablesInUse";

  constructor(cause: Error) {
    super(
      "Nothing was migrated: somebody's transaction has held a table of the schema for too long, that of a dump perhaps. " +
        "Run it again when that is over.",
      { cause },
    );
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
  const pending = known.filter(({ version }) => !applied.some((done) => done.version === version));
  const newest = known.at(-1)?.version ?? 0;
  const isReadable = unknown.every(({ version, oldestReader }) => (oldestReader ?? version) <= newest);
  if (unknown.length > 0 && (!isReadable || pending.length > 0)) {
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
  if (unknown.length > 0) {
    const sentence = `The database's schema is newer than this build (it has ${list(unknown)}), which may go on with it.`;
    return { kind: "newer", unknown: unknown.map(({ name }) => name), sentence };
  }
  if (pending.length > 0) {
    const sentence = `The database's schema is not up to date (${list(pending)} has not run). Run: holdfast migrate`;
    return { kind: "behind", pending: pending.map(({ name }) => name), sentence };
  }
  return { kind: "current", version: applied.at(-1)?.version ?? 0, sentence: "The schema is current." };
}

async function readApplied(client: Client): Promise<readonly Applied[]> {
  if (!(await hasRegister(client))) return [];
  const { rows } = await client.query<Applied>(
    // A register of before 0003 lacks the column.
    `select m.version, m.name, m.checksum, (to_jsonb(m) ->> 'oldest_reader')::integer as "oldestReader"
       from holdfast.migration m
      order by m.version`,
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
