import { type Client, type Connection, Query } from "pg";
import { ROLE_SETTINGS } from "./session-settings.ts";
import { loadStatement } from "./statement.ts";

/** Who answers, and how it is set up. */
export interface Seen {
  /** Of the process that runs the server: another one after each restart and each failover. */
  readonly server: string;
  readonly settings: string;
}

export interface Guarded<Row> extends Seen {
  readonly rows: readonly Row[];
}

const { text: GUARD } = loadStatement("guard");
const GUARD_VALUES = [`{${Object.keys(ROLE_SETTINGS).join(",")}}`];

/** What `Seen.settings` is where the role has them all. */
const SETTINGS_EXPECTED = Object.values(ROLE_SETTINGS).join("; ");

/** Whoever answered is not who answered before, or is not set up: what it said counts for nothing. */
export class Elsewhere extends Error {
  override readonly name = "Elsewhere";
}

/** Runs the statements of one session through a pooler, all of them on one server or, for the first that is not, no more. */
export function createGuardedSend(client: Client) {
  let home: Seen | null = null;
  return async <Row>({ text }: { readonly text: string }, values: readonly unknown[]): Promise<readonly Row[]> => {
    const { rows, server, settings } = await queryGuarded<Row>(client, text, values);
    home ??= { server, settings };
    if (server !== home.server) throw new Elsewhere("the pooler leads to another server, or to one started anew");
    if (settings !== SETTINGS_EXPECTED) {
      throw new Elsewhere(`the pooler lends a connection without the role's settings (it has ${settings})`);
    }
    return rows;
  };
}

/** Whether the connection that the client is lent has the role's settings. */
export async function hasRoleSettings(client: Client): Promise<boolean> {
  return (await look(client)).settings === SETTINGS_EXPECTED;
}

/** Asks the guard alone. */
async function look(client: Client): Promise<Seen> {
  const { rows } = await client.query<Seen>({ text: GUARD, values: GUARD_VALUES });
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
export async function queryGuarded<Row>(
  client: Client,
  text: string,
  values: readonly unknown[],
): Promise<Guarded<Row>> {
  // Extended also without values: a simple query would end the guard's transaction and begin its own.
  const options = { text, values: [...values], queryMode: "extended" };
  const query = new Query(options);
  const submitOwn = query.submit;
  query.submit = (connection) => {
    connection.stream.cork();
    try {
      sendGuard(connection);
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
function sendGuard(connection: Connection): void {
  connection.parse({ name: "", text: GUARD, types: [] }, true);
  connection.bind({ values: GUARD_VALUES }, true);
  connection.describe({ type: "P", name: "" }, true);
  connection.execute({}, true);
}
