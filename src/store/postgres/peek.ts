import type { Peeked } from "../../domain/calls.ts";
import type { Instant } from "../../domain/instant.ts";
import { isForgotten, type StoredRecord } from "../../domain/record.ts";
import {
  type IdentifiedRow,
  type Keyed,
  keyColumns,
  matchEveryRow,
  type PackedCall,
  readIdentity,
} from "./batch-rows.ts";
import type { Connection } from "./connection.ts";
import { type PackedRecord, unpackRecord } from "./packed-record.ts";
import { PackedRow } from "./packed-row.ts";
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
  const rows = await connection.query<PackedPeek>(peek, [...keyColumns(calls), time.asOf()]);
  return matchEveryRow(calls, rows.map(readPeek)).map(({ call, row: { seenAt, stored } }) => {
    time.observed(seenAt);
    return { call, stored, now: seenAt };
  });
}

interface PackedPeek extends PackedCall {
  readonly record: PackedRecord;
}

interface PeekRow extends IdentifiedRow {
  readonly seenAt: Instant;
  readonly stored: StoredRecord | null;
}

function readPeek({ call, record }: PackedPeek): PeekRow {
  const row = new PackedRow(call);
  const identity = readIdentity(row);
  const seenAt = row.instant();
  row.end();
  const { tenant, scope, key } = identity;
  return { ...identity, seenAt, stored: unpackRecord(record, { tenant, scope, key }) };
}

export function peeked({ stored, now }: Found<unknown>): Peeked {
  return { record: stored === null || isForgotten(stored, now) ? null : stored, now };
}
