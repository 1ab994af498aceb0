import type { Connection } from "../connection.ts";
import { ConnectionLost } from "../errors.ts";
import { loadStatement } from "../statement.ts";

/** For whoever has begun a transaction already. */
export const LOCK_HEAD = loadStatement("audit/lock-head");
const BEGIN = { name: "begin", text: "begin isolation level read committed" };
const COMMIT = { name: "commit", text: "commit" };
/** Goes through a pooler as it is, see `createGuardedSend`. */
const ROLLBACK = { name: "rollback", text: "rollback" };

/**
 * Runs `work` in one transaction that has locked the head of the audit log before. Each of its statements sees every line,
 * however many others write at the same time: a statement that takes the lock itself has looked before it gets it.
 *
 * The session bounds for how long the lock is held when it is stopped between two statements. Throws what `work` threw,
 * after the rollback; `ConnectionLost` when even that failed, for the transaction is open then.
 */
export async function withLockedLog<T>(connection: Connection, work: () => Promise<T>): Promise<T> {
  await connection.query(BEGIN, []);
  try {
    await connection.query(LOCK_HEAD, []);
    const done = await work();
    await connection.query(COMMIT, []);
    return done;
  } catch (error) {
    await connection.query(ROLLBACK, []).catch((cause: unknown) => {
      throw error instanceof ConnectionLost ? error : new ConnectionLost(toError(cause));
    });
    throw error;
  }
}

function toError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}
