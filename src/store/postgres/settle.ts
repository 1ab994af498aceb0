import type { Instant } from "../../domain/instant.ts";
import type { RecordKey } from "../../domain/key.ts";
import type { StoredRecord } from "../../domain/record.ts";
import { keyColumns, matchRows } from "./batch-rows.ts";
import type { Connection } from "./connection.ts";
import { decodeRecord, type RecordRow } from "./record-row.ts";
import type { ServerTime } from "./server-time.ts";
import { loadStatement } from "./statement.ts";

const settle = loadStatement("settle");

/** A record that was read with its attempts used up and its lease or delay over. */
export interface Exhausted {
  readonly key: RecordKey;
  readonly fence: bigint;
}

export interface Settled {
  readonly record: StoredRecord;
  readonly now: Instant;
}

type SettledRow = RecordRow & { readonly i: bigint; readonly seen_at: Instant };

/** Fails records for good. Null for one that has changed since it was read. */
export async function runSettles(
  connection: Connection,
  exhausted: readonly Exhausted[],
  time: ServerTime,
): Promise<(Settled | null)[]> {
  if (exhausted.length === 0) return [];
  const rows = await connection.query<SettledRow>(settle, [
    ...keyColumns(exhausted),
    exhausted.map(({ fence }) => fence),
    time.asOf(),
  ]);
  return matchRows(exhausted, rows).map(({ row }) =>
    row === null ? null : { record: decodeRecord(row), now: row.seen_at },
  );
}
