import type { RecordKey } from "../../../src/domain/key.ts";

/** One call's value in a column. */
export type Column = (index: number) => unknown;

/** The calls of a batch, from its columns. */
export function callsOf<Call>(
  columns: readonly (readonly unknown[])[],
  toCall: (column: Column) => Call,
): readonly Call[] {
  return (columns[0] ?? []).map((_, i) => toCall((column) => columns[column]?.[i]));
}

/** The first three columns of every batch. */
export function keyOf(column: Column): RecordKey {
  return { tenant: String(column(0)), scope: String(column(1)), key: String(column(2)) };
}
