import type { PurgeCall, Purged } from "../operator-store.ts";
import { withLockedLog } from "./audit/locked.ts";
import type { Connection } from "./connection.ts";
import { keyRange } from "./key-range.ts";
import type { ServerTime } from "./server-time.ts";
import { loadStatement } from "./statement.ts";

const purge = loadStatement("purge");

/** A deleted record, or none; the rest is the same in every row. */
interface PurgedRow {
  readonly scope: string | null;
  readonly key: string | null;
  readonly looked: bigint;
  readonly purged: bigint;
  readonly redacted: bigint;
  readonly to_scope: string;
  readonly to_key: string;
}

/** In a transaction of its own: others who write to the audit log hold it up, but never make it begin anew. */
export async function purgeRecords(
  connection: Connection,
  { tenant, scope, key, after, force, limit, actor, reason }: PurgeCall,
  time: ServerTime,
): Promise<Purged> {
  const { from, last } = keyRange({ scope, keyPrefix: null, key, after });
  const range = [from.scope, from.key, last.scope, last.key];
  const values = [tenant, ...range, force, limit, scope, actor, reason, time.asOf()];
  const rows = await withLockedLog(connection, () => connection.query<PurgedRow>(purge, values));
  const [summary] = rows;
  if (summary === undefined) throw new Error("bug: no row from purge");
  const looked = Number(summary.looked);
  return {
    keys: rows.filter(isKeyed).map((row) => ({ tenant, scope: row.scope, key: row.key })),
    redacted: Number(summary.redacted),
    held: looked - Number(summary.purged),
    next: looked < limit ? null : { scope: summary.to_scope, key: summary.to_key },
  };
}

function isKeyed(row: PurgedRow): row is PurgedRow & { readonly scope: string; readonly key: string } {
  return row.scope !== null;
}
