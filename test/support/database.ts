import { randomBytes } from "node:crypto";
import pg from "pg";
import { inject } from "vitest";
import { withClient } from "../../src/store/postgres/connection.ts";
import { migrate } from "../../src/store/postgres/migrate.ts";
import { grantsSql } from "../../src/store/postgres/rights.ts";
import { databasePrefix } from "./leftovers.ts";

export interface TestDatabase {
  /** For servers: as a role that owns nothing and has the rights that docs/operations.md names for it, and no others. */
  readonly url: string;
  /** As whoever made it, for what a test does to it from outside. */
  readonly ownerUrl: string;
  drop(): Promise<void>;
}

/** Takes the place of a session that makes a database, among the sessions of one test run; any number would do. */
const makingLock = 0x7e57_da7a;

/** A database of the caller's own, with nothing in it. Both addresses are its owner's, who is to migrate it. */
export async function createEmptyDatabase(): Promise<TestDatabase> {
  return withAdmin((admin) => create(admin, "template0"));
}

/** A database of the caller's own with the schema in it, cloned from one that is migrated once per run. */
export async function createTestDatabase(): Promise<TestDatabase> {
  return withAdmin(async (admin) => {
    // A database that is being cloned must have no sessions, that of another clone included.
    await admin.query("select pg_advisory_lock($1)", [makingLock]);
    const template = await ensureTemplate(admin);
    const made = await create(admin, template);
    await withClient(made, (client) => client.query("update holdfast.identity set id = gen_random_uuid()"));
    return { ...made, url: asServer(made.ownerUrl) };
  });
}

async function ensureTemplate(admin: pg.Client): Promise<string> {
  const template = `${databasePrefix}${inject("postgresRun")}_template`;
  const { rowCount } = await admin.query("select from pg_database where datname = $1", [template]);
  if (rowCount !== 0) return template;
  const draft = await create(admin, "template0");
  const draftName = pg.escapeIdentifier(draft.name);
  await ensureServerRole(admin);
  await withClient({ url: draft.url }, async (client) => {
    await migrate(client);
    await client.query(grantsSql(serverRole()).join(" "));
  });
  // Renamed when whole: a file that dies while migrating leaves no half a template.
  await admin.query(`alter database ${draftName} with allow_connections false`);
  await admin.query(`alter database ${draftName} rename to ${pg.escapeIdentifier(template)}`);
  return template;
}

/** One for each run; the databases of others do not know it. */
function serverRole(): string {
  return `${databasePrefix}${inject("postgresRun")}_server`;
}

/** Of no worth to anybody, but a server that asks for passwords must get one. */
const SERVER_PASSWORD = "of-a-test";

async function ensureServerRole(admin: pg.Client): Promise<void> {
  const { rowCount } = await admin.query("select from pg_roles where rolname = $1", [serverRole()]);
  if (rowCount === 0) await admin.query(`create role ${serverRole()} login password '${SERVER_PASSWORD}'`);
}

function asServer(url: string): string {
  return withUser(url, serverRole(), SERVER_PASSWORD);
}

async function create(admin: pg.Client, template: string): Promise<TestDatabase & { readonly name: string }> {
  const name = `${databasePrefix}${inject("postgresRun")}_${randomBytes(6).toString("hex")}`;
  await admin.query(`create database ${pg.escapeIdentifier(name)} template ${pg.escapeIdentifier(template)}`);
  const drop = () =>
    withAdmin(async (again) => {
      await again.query(`drop database if exists ${pg.escapeIdentifier(name)} with (force)`);
    });
  const url = withDatabase(inject("postgresUrl"), name);
  return { name, url, ownerUrl: url, drop };
}

async function withAdmin<T>(body: (admin: pg.Client) => Promise<T>): Promise<T> {
  const admin = new pg.Client({ connectionString: inject("postgresUrl") });
  await admin.connect();
  try {
    return await body(admin);
  } finally {
    await admin.end();
  }
}

/** Not through URL, which refuses the forms for sockets, such as postgres://user@/name?host=/run. */
export function withDatabase(url: string, name: string): string {
  const parts = /^(postgres(?:ql)?:\/\/[^/?#]*)(?:\/[^?#]*)?(\?.*)?$/.exec(url);
  if (parts === null) throw new Error("TEST_DATABASE_URL must begin with postgres:// or postgresql://");
  return `${parts[1]}/${name}${parts[2] ?? ""}`;
}

/** Whoever is named, before the host or in the query, where the embedded Postgres names one, is named no more. */
export function withUser(url: string, user: string, password: string): string {
  const parts = /^(postgres(?:ql)?:\/\/)(?:[^@/?#]*@)?([^?]*)(?:\?(.*))?$/.exec(url);
  if (parts === null) throw new Error("TEST_DATABASE_URL must begin with postgres:// or postgresql://");
  const others = (parts[3] ?? "").split("&").filter((given) => given !== "" && !/^(?:user|password)=/.test(given));
  return `${parts[1]}${parts[2]}?${[...others, `user=${user}`, `password=${password}`].join("&")}`;
}
