import type { WatchCall } from "../../domain/calls.ts";
import { type IdentifiedRow, keyColumns, matchRows } from "./batch-rows.ts";
import type { Connection } from "./connection.ts";
import { encodeState } from "./record-row.ts";
import { loadStatement } from "./statement.ts";

const watch = loadStatement("watch");

/** Flags a batch of records as waited for; true where the flag was set by this. */
export async function runWatches(connection: Connection, calls: readonly WatchCall[]): Promise<boolean[]> {
  const states = calls.map(({ state }) => encodeState(state));
  const fences = calls.map(({ fence }) => fence);
  const rows = await connection.query<IdentifiedRow>(watch, [...keyColumns(calls), states, fences]);
  return matchRows(calls, rows).map(({ row }) => row !== null);
}
