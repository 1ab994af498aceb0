import { type RecordKey, sameKey } from "../../domain/key.ts";
import { type ArrayParameter, textArray } from "./binary-array.ts";
import type { PackedRow } from "./packed-row.ts";

export interface Keyed {
  readonly key: RecordKey;
}

/** What every row of a batched statement says of itself: the number of its call, from 1, and the record's key. */
export interface IdentifiedRow {
  readonly i: bigint | number;
  readonly tenant: string;
  readonly scope: string;
  readonly key: string;
}

/** The first three arguments of every batched statement. */
export function keyColumns(
  calls: readonly Keyed[],
): [tenants: ArrayParameter, scopes: ArrayParameter, keys: ArrayParameter] {
  return [
    textArray(calls, ({ key }) => key.tenant),
    textArray(calls, ({ key }) => key.scope),
    textArray(calls, ({ key }) => key.key),
  ];
}

/** A row that comes packed: who it is for, and what became of the call. */
export interface PackedCall {
  readonly call: Uint8Array;
}

/** The first four columns of a row that comes packed. */
export function readIdentity(row: PackedRow): IdentifiedRow {
  return { i: row.number(), tenant: row.text(), scope: row.text(), key: row.text() };
}

/**
 * Hands each row to its call, by identity: the row's number, and its key compared with the call's. Calls without a row
 * get null. Matching by position would give one tenant's row to another after the first row left out.
 */
export function matchRows<Call extends Keyed, Row extends IdentifiedRow>(
  calls: readonly Call[],
  rows: readonly Row[],
): { readonly call: Call; readonly row: Row | null }[] {
  const matches: { readonly call: Call; row: Row | null }[] = calls.map((call) => ({ call, row: null }));
  for (const row of rows) {
    const match = matches[Number(row.i) - 1];
    if (match === undefined || !sameKey(match.call.key, row))
      throw new Error("bug: a row of a batch is another call's");
    if (match.row !== null) throw new Error("bug: two rows of a batch are one call's");
    match.row = row;
  }
  return matches;
}

/** For statements that return a row for each call. */
export function matchEveryRow<Call extends Keyed, Row extends IdentifiedRow>(
  calls: readonly Call[],
  rows: readonly Row[],
): { readonly call: Call; readonly row: Row }[] {
  const matches = matchRows(calls, rows);
  for (const { row } of matches) if (row === null) throw new Error("bug: a call of a batch has no row");
  return matches as { readonly call: Call; readonly row: Row }[];
}
