import type { StoredState } from "../../domain/record.ts";
import { type IdentifiedRow, type Keyed, keyColumns, matchRows } from "./batch-rows.ts";
import type { Connection } from "./connection.ts";
import { decodeState } from "./record-row.ts";
import type { ServerTime } from "./server-time.ts";
import { loadStatement } from "./statement.ts";

const release = loadStatement("release");

export interface ReleaseCall extends Keyed {
  /** 16 fresh random bytes, given to nobody. */
  readonly token: Uint8Array;
}

/** What became of a released record; null: it was not in progress. */
export interface Released {
  readonly state: StoredState | null;
}

export async function runReleases(
  connection: Connection,
  calls: readonly ReleaseCall[],
  time: ServerTime,
): Promise<Released[]> {
  const rows = await connection.query<IdentifiedRow & { readonly state: number }>(release, [
    ...keyColumns(calls),
    calls.map((call) => call.token),
    time.asOf(),
  ]);
  return matchRows(calls, rows).map(({ row }) => ({ state: row && decodeState(row.state) }));
}
