import type { Peeked } from "../../domain/calls.ts";
import type { Instant } from "../../domain/instant.ts";
import { isForgotten, type StoredRecord } from "../../domain/record.ts";
import { type Keyed, keyColumns, matchEveryRow } from "./batch-rows.ts";
import type { Connection } from "./connection.ts";
import { decodeFound, type FoundRow } from "./record-row.ts";
import type { ServerTime } from "./server-time.ts";
import { loadStatement } from "./statement.ts";

const peek = loadStatement("peek");

/** The record as it is stored, forgotten or not; null when there is no row. */
export interface Found<Call> {
  readonly call: Call;
  readonly stored: StoredRecord | null;
  readonly now: Instant;
}

/** Reads a batch of records, in the order of the calls. */
export async function runPeeks<Call extends Keyed>(
  connection: Connection,
  calls: readonly Call[],
  time: ServerTime,
): Promise<Found<Call>[]> {
  if (calls.length === 0) return [];
  const rows = await connection.query<FoundRow>(peek, [...keyColumns(calls), time.asOf()]);
  return matchEveryRow(calls, rows).map(({ call, row }) => {
    time.observed(row.seen_at);
    return { call, stored: decodeFound(row), now: row.seen_at };
  });
}

export function peeked({ stored, now }: Found<unknown>): Peeked {
  return { record: stored === null || isForgotten(stored, now) ? null : stored, now };
}
