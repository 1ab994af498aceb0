import { type Client, DatabaseError } from "pg";
import { StartupError } from "./startup.ts";

/**
 * What stands between us and the database.
 *
 * - `none`: nothing, or what passes on the bytes alone
 * - `session`: a pooler that lends a connection for as long as ours lasts, which is as good as none
 * - `transaction`: a pooler that lends a connection for one transaction
 */
export type Pooler = "none" | "session" | "transaction";

/** Lends another connection to the same address. */
export type WithAnother = <T>(work: (client: Client) => Promise<T>) => Promise<T>;

/** One that lends for a transaction hands on what it got back last: by then it has been seen, unless it is never idle. */
const ROUNDS = 5;

/**
 * Finds out by what a pooler cannot hide: that the process which answers is not the one that was named when the
 * connection was made, and that two connections of ours are lent one and the same. Throws a StartupError for one that
 * lends a connection for one statement: what has to be done in a transaction cannot be done through it.
 *
 * @param client not in a transaction
 */
export async function findPooler(client: Client, withAnother: WithAnother): Promise<Pooler> {
  let pid = await pidOf(client);
  if (pid === (client as Client & { readonly processID: number | null }).processID) return "none";
  await requireTransactions(client);
  for (let round = 0; round < ROUNDS; round++) {
    pid = await pidOf(client);
    const other = await withAnother(async (another) => {
      await another.query("begin");
      const lent = await pidOf(another);
      // While that one is held, what we are lent is another one, if it is not ours.
      const now = lent === pid ? lent : await pidOf(client);
      await another.query("rollback");
      return { lent, now };
    });
    if (other.lent === pid || other.now !== pid) return "transaction";
  }
  return "session";
}

async function requireTransactions(client: Client): Promise<void> {
  try {
    await client.query("begin");
    await client.query("rollback");
  } catch (error) {
    if (!(error instanceof DatabaseError)) throw error;
    throw new StartupError([
      {
        what: `A pooler that lends a connection for one statement stands before it (it refused "begin": ${error.message}).`,
        mend: "Set pool_mode = transaction or session for this database in the pooler, or connect past it.",
      },
    ]);
  }
}

/** The server process that this connection is lent now. */
async function pidOf(client: Client): Promise<number> {
  const { rows } = await client.query<{ pid: number }>("select pg_backend_pid() as pid");
  const [row] = rows;
  if (row === undefined) throw new Error("bug: no row from pg_backend_pid");
  return row.pid;
}
