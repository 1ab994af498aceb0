import { type IdentifiedRow, type Keyed, keyColumns, matchRows } from "./batch-rows.ts";
import type { Connection } from "./connection.ts";
import type { ServerTime } from "./server-time.ts";
import { loadStatement } from "./statement.ts";

const reset = loadStatement("reset");

export interface ResetCall extends Keyed {
  /** 16 fresh random bytes, given to nobody. */
  readonly token: Uint8Array;
  readonly force: boolean;
}

/** Resets a batch of records; true where it did. */
export async function runResets(
  connection: Connection,
  calls: readonly ResetCall[],
  time: ServerTime,
): Promise<boolean[]> {
  const rows = await connection.query<IdentifiedRow>(reset, [
    ...keyColumns(calls),
    calls.map((call) => call.token),
    calls.map((call) => call.force),
    time.asOf(),
  ]);
  return matchRows(calls, rows).map(({ row }) => row !== null);
}
