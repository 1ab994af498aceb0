import { type Client, DatabaseError } from "pg";
import { type ConnectionNeed, findRoomProblems } from "./connection-room.ts";
import { hasRoleSettings } from "./guarded-query.ts";
import { checkSchema, type Migration } from "./migrate.ts";
import { findLacking, grantsSql } from "./rights.ts";
import { roleSettingsSql } from "./session-settings.ts";

/** Something about the database on which Holdfast cannot keep its word, and how to mend it. */
export interface StartupProblem {
  readonly what: string;
  readonly mend: string;
}

/** Names every problem at once, so that nobody mends them one start at a time. */
export class StartupError extends Error {
  override readonly name = "StartupError";
  readonly problems: readonly StartupProblem[];

  constructor(problems: readonly StartupProblem[]) {
    const lines = problems.map(({ what, mend }) => `  - ${what} ${mend}`.trimEnd());
    super(["The database cannot be used:", ...lines].join("\n"));
    this.problems = problems;
  }
}

export interface StartupOptions {
  /** For tests: what a crash of the database can lose is accepted. */
  readonly allowUnsafeDatabase?: boolean;
  /** A pooler is before it that lends a connection for one transaction: then the role must have our settings. */
  readonly pooled?: boolean;
  /** Must be had, unless a pooler lends connections. */
  readonly connections?: ConnectionNeed;
  readonly migrations?: readonly Migration[];
}

/** As the database names them. */
export interface DatabaseFacts {
  readonly version: number;
  readonly role: string;
  readonly database: string;
  readonly standby: boolean;
  readonly isolation: string;
  readonly read_only: string;
  readonly encoding: string;
  readonly fsync: string;
  readonly full_page_writes: string;
  readonly synchronous_commit: string;
  readonly may_emit: boolean;
  readonly datestyle: string;
}

const FACTS = `
  select current_setting('server_version_num')::integer as version,
         quote_ident(current_user) as role,
         quote_ident(current_database()) as database,
         pg_is_in_recovery() as standby,
         current_setting('default_transaction_isolation') as isolation,
         current_setting('default_transaction_read_only') as read_only,
         current_setting('server_encoding') as encoding,
         current_setting('fsync') as fsync,
         current_setting('full_page_writes') as full_page_writes,
         current_setting('synchronous_commit') as synchronous_commit,
         current_setting('datestyle') as datestyle,
         (select coalesce(bool_and(has_function_privilege(oid, 'execute')), false)
            from pg_proc
           where proname = 'pg_logical_emit_message' and pronamespace = 'pg_catalog'::regnamespace) as may_emit`;

const OLDEST = 15;

/** To be run on a session with the defaults that every session of this role gets. */
export async function checkDatabase(client: Client, options: StartupOptions = {}): Promise<readonly StartupProblem[]> {
  const { rows } = await client.query<DatabaseFacts>(FACTS);
  const facts = rows[0];
  if (facts === undefined) throw new Error("bug: no row from the start-up checks");
  const pooled = options.pooled ? await poolProblems(client, facts) : [];
  const room = options.connections && !options.pooled ? await findRoomProblems(client, options.connections) : [];
  return [...judge(facts, options), ...room, ...pooled, ...(await schemaProblems(client, facts, options.migrations))];
}

/** Everything but the schema. */
export function judge(facts: DatabaseFacts, { allowUnsafeDatabase = false }: StartupOptions = {}): StartupProblem[] {
  return [...serverProblems(facts), ...roleProblems(facts), ...(allowUnsafeDatabase ? [] : durabilityProblems(facts))];
}

/** Throws a StartupError unless the database can be used. */
export async function requireDatabase(client: Client, options: StartupOptions = {}): Promise<void> {
  const problems = await checkDatabase(client, options);
  if (problems.length > 0) throw new StartupError(problems);
}

function serverProblems({ version, standby, encoding }: DatabaseFacts): StartupProblem[] {
  const major = Math.trunc(version / 10_000);
  return problems(
    [major < OLDEST, `It is PostgreSQL ${major}.`, `Use ${OLDEST} or newer.`],
    [standby, "It is a standby.", "Connect to the primary: a record read from a standby may already be out of date."],
    [
      encoding !== "UTF8",
      `Its encoding is ${encoding}.`,
      "Create the database with: encoding 'UTF8' template template0.",
    ],
  );
}

function roleProblems({ role, isolation, read_only, may_emit }: DatabaseFacts): StartupProblem[] {
  return problems(
    [
      isolation !== "read committed",
      `default_transaction_isolation is ${isolation}.`,
      `Run: alter role ${role} set default_transaction_isolation = 'read committed'.`,
    ],
    [
      read_only !== "off",
      "Transactions are read-only by default.",
      `Run: alter role ${role} set default_transaction_read_only = off.`,
    ],
    [
      !may_emit,
      "The role may not write the durability barrier.",
      `Run: grant execute on function pg_logical_emit_message to ${role} (with its argument types).`,
    ],
  );
}

function durabilityProblems({ fsync, full_page_writes, synchronous_commit, role }: DatabaseFacts): StartupProblem[] {
  const lost = "a crash of the machine can lose results that were acknowledged.";
  return problems(
    [fsync !== "on", `fsync is ${fsync}: ${lost}`, "Set fsync = on in postgresql.conf and reload."],
    [
      full_page_writes !== "on",
      `full_page_writes is ${full_page_writes}: ${lost}`,
      "Set full_page_writes = on in postgresql.conf and reload.",
    ],
    [
      synchronous_commit === "off",
      `synchronous_commit is off: ${lost}`,
      `Run: alter role ${role} set synchronous_commit = on.`,
    ],
  );
}

/** What a session would set for itself, had it the connection to itself. */
async function poolProblems(client: Client, facts: DatabaseFacts): Promise<StartupProblem[]> {
  const { role, database, datestyle } = facts;
  const after = "Then make the pooler open its connections anew (PgBouncer: RECONNECT).";
  return problems(
    [
      !(await hasRoleSettings(client)),
      "A pooler lends its connections for one transaction, so they must have Holdfast's settings from the role.",
      `Run: ${roleSettingsSql(role, database)} ${after}`,
    ],
    [
      !datestyle.startsWith("ISO"),
      `DateStyle is ${datestyle}.`,
      `Run: alter role ${role} in database ${database} set DateStyle = 'ISO, YMD'; ${after}`,
    ],
  );
}

async function schemaProblems(
  client: Client,
  { role }: DatabaseFacts,
  migrations: readonly Migration[] | undefined,
): Promise<StartupProblem[]> {
  let what = "The role may not use the schema holdfast.";
  try {
    const status = await checkSchema(client, migrations);
    if (status.kind !== "current" && status.kind !== "newer") return [{ what: status.sentence, mend: "" }];
    const lacking = await findLacking(client);
    if (lacking.length === 0) return [];
    what = `The role may not use all of the schema holdfast: it lacks ${lacking.join(", ")}.`;
  } catch (error) {
    if (!(error instanceof DatabaseError && error.code === "42501")) throw error;
  }
  return [{ what, mend: `Run: ${grantsSql(role).join(" ")}` }];
}

/** Those whose condition holds. */
function problems(...rows: readonly (readonly [boolean, string, string])[]): StartupProblem[] {
  return rows.filter(([holds]) => holds).map(([, what, mend]) => ({ what, mend }));
}
