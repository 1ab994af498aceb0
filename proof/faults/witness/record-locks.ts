import pg from "pg";
import type { StandDatabase } from "../stand/stand.ts";

/** Somebody's own transaction that holds records, as one at a psql prompt does. Leaving its scope lets go of them. */
export interface RecordLocks extends AsyncDisposable {
  /** How many were there to be held. */
  readonly held: number;
  /** How many statements of others wait for them now, be it for one that waits itself. */
  blocked(): Promise<number>;
  release(): Promise<void>;
}

export interface LockedRecords {
  readonly tenant: string;
  readonly scope: string;
  readonly keys: readonly string[];
}

const LOCK = `
  select from holdfast.record
   where tenant = $1 and scope = $2 and key = any($3::text[])
   order by tenant, scope, key
     for update`;

const BLOCKED = `
  with recursive behind (pid) as (
    select pid from pg_stat_activity where $1 = any(pg_blocking_pids(pid))
    union
    select a.pid from pg_stat_activity a join behind b on b.pid = any(pg_blocking_pids(a.pid))
  )
  select count(*)::int as count from behind`;

export async function lockRecords(database: StandDatabase, records: LockedRecords): Promise<RecordLocks> {
  await using opening = new AsyncDisposableStack();
  const holder = opening.adopt(await connect(database), (client) => client.end());
  const onlooker = opening.adopt(await connect(database), (client) => client.end());
  const { tenant, scope, keys } = records;
  const { rows } = await holder.query<{ pid: number }>("select pg_backend_pid() as pid");
  await holder.query("begin");
  const { rowCount } = await holder.query(LOCK, [tenant, scope, keys]);
  const opened = opening.move();
  return {
    held: rowCount ?? 0,
    async blocked() {
      const answer = await onlooker.query<{ count: number }>(BLOCKED, [rows[0]?.pid]);
      return answer.rows[0]?.count ?? 0;
    },
    async release() {
      await holder.query("rollback");
    },
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  };
}

async function connect(database: StandDatabase): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: database.url(), application_name: "psql" });
  client.on("error", () => undefined); // What is under way fails by itself.
  await client.connect();
  return client;
}
