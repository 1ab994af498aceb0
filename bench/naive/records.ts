import type { Pool, PoolClient } from "pg";

/** The table that a service keeps beside its own, when it does without one like this. */
export const TABLE = `
  create table idempotency_key (
    key text primary key,
    status text not null,
    response jsonb,
    created_at timestamptz not null default now(),
    completed_at timestamptz
  )`;

export const CHANNEL = "idempotency_key";

export type Claimed = { readonly kind: "acquired" | "in-progress" } | { readonly kind: "completed"; response: unknown };

/** What people write by hand. No leases, no fences, no fingerprints, no attempts. */
export interface NaiveRecords {
  claim(key: string): Promise<Claimed>;
  complete(key: string, response: unknown): Promise<void>;
}

interface Row {
  readonly status: string;
  readonly response: unknown;
}

const FIND = "select status, response from idempotency_key where key = $1";
const INSERT = "insert into idempotency_key (key, status) values ($1, 'started') on conflict do nothing";
const COMPLETE = "update idempotency_key set status = 'completed', response = $2, completed_at = now() where key = $1";

/** Each call a transaction, as frameworks have it; whoever waits is notified by the one that completes. */
export function inTransactions(pool: Pool): NaiveRecords {
  return {
    claim: (key) =>
      transaction(pool, async (client) => {
        const found = await client.query<Row>(`${FIND} for update`, [key]);
        const row = found.rows[0];
        if (row !== undefined) return claimedOf(row);
        const { rowCount } = await client.query(INSERT, [key]);
        return { kind: rowCount === 1 ? "acquired" : "in-progress" };
      }),
    complete: (key, response) =>
      transaction(pool, async (client) => {
        await client.query(COMPLETE, [key, JSON.stringify(response)]);
        await client.query("select pg_notify($1, $2)", [CHANNEL, key]);
      }),
  };
}

/** The same with nothing around the statements: the least that can be written. Whoever waits polls. */
export function byStatements(pool: Pool): NaiveRecords {
  return {
    async claim(key) {
      const found = await pool.query<Row>(FIND, [key]);
      const row = found.rows[0];
      if (row !== undefined) return claimedOf(row);
      const { rowCount } = await pool.query(INSERT, [key]);
      return { kind: rowCount === 1 ? "acquired" : "in-progress" };
    },
    async complete(key, response) {
      await pool.query(COMPLETE, [key, JSON.stringify(response)]);
    },
  };
}

function claimedOf({ status, response }: Row): Claimed {
  return status === "completed" ? { kind: "completed", response } : { kind: "in-progress" };
}

async function transaction<T>(pool: Pool, work: (client: PoolClient) => Promise<T>): Promise<T> {
  const client = await pool.connect();
  try {
    await client.query("begin");
    const answer = await work(client);
    await client.query("commit");
    return answer;
  } catch (error) {
    await client.query("rollback");
    throw error;
  } finally {
    client.release();
  }
}
