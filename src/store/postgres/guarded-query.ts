import { type Client, type Connection, Query } from "pg";
import { ROLE_SETTINGS } from "./session-settings.ts";
import { loadStatement } from "./statement.ts";

/** Who answers, and how it is set up. */
export interface Seen {
  /** Another one after each restart, each crash and each failover. */
  readonly server: string;
  readonly settings: string;
  /** Those that a session has by default, and that no role of ours sets. */
  readonly isolation: string;
  readonly read_only: string;
  readonly synchronous_commit: string;
}

export interface GuardOptions {
  /** Commits need not wait for anything: `--allow-unsafe-database`. */
  readonly allowUnsafe?: boolean;
}

export interface Guarded<Row> extends Seen {
  readonly rows: readonly Row[];
}

const { text: GUARD } = loadStatement("guard");
const NAMES = `{${Object.keys(ROLE_SETTINGS).join(",")}}`;
const guardValues = ({ allowUnsafe = false }: GuardOptions) => [NAMES, String(allowUnsafe)];

/** What `Seen.settings` is where the role has them all. */
const SETTINGS_EXPECTED = Object.values(ROLE_SETTINGS).join("; ");

/** Whoever answered is not who answered before, or is not set up: what it said counts for nothing. */
export class Elsewhere extends Error {
  override readonly name = "Elsewhere";
}

/** Runs the statements of one session through a pooler, all of them on one server or, for the first that is not, no more. */
export function createGuardedSend(client: Client, options: GuardOptions = {}) {
  let home: Seen | null = null;
  return async <Row>({ text }: { readonly text: string }, values: readonly unknown[]): Promise<readonly Row[]> => {
    // In a transaction that has failed the guard would fail too, and this be skipped; and it asks nobody anything.
    if (text === "rollback") return (await client.query(text)).rows as Row[];
    const { rows, ...seen } = await queryGuarded<Row>(client, text, values, options);
    home ??= seen;
    const why = whyElsewhere(seen, home, options);
    if (why !== null) throw new Elsewhere(why);
    return rows;
  };
}

/** Another client of the same pool may leave anything behind in a connection that it was lent before. */
function whyElsewhere(seen: Seen, home: Seen, { allowUnsafe = false }: GuardOptions): string | null {
  const { settings, isolation, synchronous_commit: commit } = seen;
  if (seen.server !== home.server) return "the pooler leads to another server, or to one started anew";
  const lends = "the pooler lends a connection";
  if (settings !== SETTINGS_EXPECTED) return `${lends} without the role's settings (it has ${settings})`;
  if (isolation !== "read committed") return `${lends} whose transactions are ${isolation}`;
  if (seen.read_only !== "off") return `${lends} whose transactions are read-only`;
  if (allowUnsafe) return null;
  if (commit === "off") return `${lends} whose synchronous_commit is off`;
  if (commit === home.synchronous_commit) return null;
  return `${lends} whose synchronous_commit is ${commit}, and was ${home.synchronous_commit}`;
}

/** Whether the connection that the client is lent has the role's settings. */
export async function hasRoleSettings(client: Client): Promise<boolean> {
  return (await look(client)).settings === SETTINGS_EXPECTED;
}

/** Asks the guard alone. */
async function look(client: Client): Promise<Seen> {
  const { rows } = await client.query<Seen>({ text: GUARD, values: guardValues({ allowUnsafe: true }) });
  const [seen] = rows;
  if (seen === undefined) throw new Error("bug: no answer to the guard");
  return seen;
}

/**
 * Runs a statement through a pooler that lends a connection for one transaction, and tells which server ran it.
 *
 * The guard goes before the statement and both before one Sync: that is one transaction, so the pooler cannot put another
 * connection between them, and one round trip. A look before or after it would tell of whatever connection that gets. No
 * statement has a name: the connection that prepared it may be somebody else's the next time.
 */
async function queryGuarded<Row>(
  client: Client,
  text: string,
  values: readonly unknown[],
  options: GuardOptions = {},
): Promise<Guarded<Row>> {
  // Extended also without values: a simple query would end the guard's transaction and begin its own.
  const config = { text, values: [...values], queryMode: "extended" };
  const query = new Query(config);
  const submitOwn = query.submit;
  query.submit = (connection) => {
    connection.stream.cork();
    try {
      sendGuard(connection, guardValues(options));
      return submitOwn.call(query, connection);
    } finally {
      connection.stream.uncork();
    }
  };
  const { promise, resolve, reject } = Promise.withResolvers<readonly { readonly rows: readonly unknown[] }[]>();
  query.on("error", reject);
  query.on("end", (results) => resolve([results].flat()));
  client.query(query);
  const [guard, own] = await promise;
  const [seen] = (guard?.rows ?? []) as readonly Seen[];
  if (seen === undefined || own === undefined) throw new Error("bug: no answer to the guard");
  return { ...seen, rows: own.rows as readonly Row[] };
}

/** The messages that the driver sends for a statement, without the Sync at their end. */
function sendGuard(connection: Connection, values: readonly string[]): void {
  connection.parse({ name: "", text: GUARD, types: [] }, true);
  connection.bind({ values: [...values] }, true);
  connection.describe({ type: "P", name: "" }, true);
  connection.execute({}, true);
}
