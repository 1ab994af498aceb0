import type { Instant } from "../../../../src/domain/instant.ts";
import { EPOCH } from "../../../../src/store/postgres/packed-row.ts";
import type { RecordRow } from "../../../../src/store/postgres/record-row.ts";

/** What Postgres' `record_send` makes of a row, written down apart from what reads it. */

/** The type of a column, and its value as bytes; null: NULL. */
export type Column = readonly [oid: number, value: Buffer | null];

export function packed(...columns: readonly Column[]): Buffer {
  const parts = columns.flatMap(([oid, value]) =>
    value === null ? [int(oid, 4), int(-1, 4)] : [int(oid, 4), int(value.length, 4), value],
  );
  return Buffer.concat([int(columns.length, 4), ...parts]);
}

export const bool = (value: boolean): Column => [16, Buffer.of(value ? 1 : 0)];
export const bytea = (value: Uint8Array | null): Column => [17, value && Buffer.from(value)];
export const int8 = (value: number | bigint | null): Column => [20, value === null ? null : int(value, 8)];
export const int2 = (value: number | null): Column => [21, value === null ? null : int(value, 2)];
export const int4 = (value: number | null): Column => [23, value === null ? null : int(value, 4)];
export const text = (value: string | null): Column => [25, value === null ? null : Buffer.from(value)];
/** In microseconds since the year 2000. */
export const timestamptz = (micros: bigint | null): Column => [1184, micros === null ? null : int(micros, 8)];

export const NEVER = 2n ** 63n - 1n;
export const EVER = -(2n ** 63n);

function at(instant: Instant | null): Column {
  if (instant === Number.POSITIVE_INFINITY) return timestamptz(NEVER);
  if (instant === Number.NEGATIVE_INFINITY) return timestamptz(EVER);
  return timestamptz(instant === null ? null : BigInt(instant - EPOCH));
}

/** Of a record, in the order in which the statements send them. */
export function columnsOf(row: RecordRow): readonly Column[] {
  return [
    ...[int2(row.state), at(row.due), at(row.forget_at), bool(row.has_waiters), int4(row.attempt), int8(row.fence)],
    ...[bytea(row.lease_token), text(row.claim_id), bytea(row.suspect_token), int8(row.suspect_fence)],
    ...[bytea(row.fingerprint), text(row.fingerprint_algorithm), bool(row.hold), int4(row.max_attempts)],
    ...[int8(row.max_execution_ms), int8(row.result_retention_ms), int8(row.tombstone_retention_ms)],
    ...[at(row.create_time), at(row.attempt_start_time), at(row.end_time), int2(row.reason), bytea(row.end_digest)],
    ...[bytea(row.outcome), bytea(row.checkpoint), int8(row.checkpoint_sequence), at(row.checkpoint_time)],
    ...[bytea(row.evidence), text(row.external_ref), bytea(row.progress)],
  ];
}

/** Most significant byte first, two's complement. */
function int(value: number | bigint, bytes: number): Buffer {
  const hex = BigInt.asUintN(bytes * 8, BigInt(value)).toString(16);
  return Buffer.from(hex.padStart(bytes * 2, "0"), "hex");
}
