import { type IdentifiedRow, type Keyed, keyColumns, matchRows } from "./batch-rows.ts";
import type { Connection } from "./connection.ts";
import { loadStatement } from "./statement.ts";

const watch = loadStatement("watch");

/** Flags a batch of records as waited for; true where the flag was set by this. */
export async function runWatches(connection: Connection, calls: readonly Keyed[]): Promise<boolean[]> {
  const rows = await connection.query<IdentifiedRow>(watch, keyColumns(calls));
  return matchRows(calls, rows).map(({ row }) => row !== null);
}
