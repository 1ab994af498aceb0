import { randomBytes } from "node:crypto";
import { withClient } from "../../store/postgres/connection.ts";
import { type DatabaseSource, withDatabase } from "../database-source.ts";
import { type TimeLimitDeps, withTimeLimit } from "./time-limit.ts";

export interface NamedSource {
  readonly name: string;
  readonly source: DatabaseSource;
}

/** For one of the others to answer. */
const ANSWER_MS_MAX = 3_000;

/**
 * The name of the first of the others that is the same database, whatever its address says; null when none is. One that
 * cannot be reached is taken for another database: what is down must not keep others from being opened.
 *
 * A lock that is taken in one database is seen in the same database and in no other. The cluster's system identifier is
 * no proof: who splits a cluster promotes a replica, which keeps it, and not every role may read it.
 */
export async function findSameDatabase(
  candidate: DatabaseSource,
  others: readonly NamedSource[],
  deps: TimeLimitDeps,
): Promise<string | null> {
  const lock = randomBytes(8).readBigInt64BE().toString();
  return withDatabase(
    candidate,
    async (client) => {
      // In a transaction, which a pooler keeps on one connection.
      await client.query("begin");
      await client.query("select pg_advisory_xact_lock($1::bigint)", [lock]);
      const same = await Promise.all(others.map(({ source }) => isLocked(source, lock, deps)));
      await client.query("rollback");
      return others[same.indexOf(true)]?.name ?? null;
    },
    deps.signal,
  );
}

async function isLocked({ url, password }: DatabaseSource, lock: string, deps: TimeLimitDeps): Promise<boolean> {
  const ask = (signal: AbortSignal) =>
    withClient({ url, signal, ...(password && { password }) }, async (client) => {
      const { rows } = await client.query<{ free: boolean }>("select pg_try_advisory_xact_lock($1::bigint) as free", [
        lock,
      ]);
      return rows[0]?.free === false;
    });
  return withTimeLimit(ANSWER_MS_MAX, deps, ask).catch(() => false);
}
