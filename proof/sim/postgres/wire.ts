import type { Instant } from "../../../src/domain/instant.ts";
import type { StoredRecord } from "../../../src/domain/record.ts";
import { EPOCH } from "../../../src/store/postgres/packed-row.ts";
import { encodeState, type RecordRow } from "../../../src/store/postgres/record-row.ts";

/** What the statements' arguments and rows look like on the wire: the other side of what the store writes and reads. */

type Type = "bool" | "bytea" | "int8" | "int2" | "int4" | "text" | "timestamptz";

const OID = { bool: 16, bytea: 17, int8: 20, int2: 21, int4: 23, text: 25, timestamptz: 1184 } as const;
const TYPES = new Map<number, Type>(Object.entries(OID).map(([type, oid]) => [oid, type as Type]));

const HEADER_BYTES = 20;
const NULL = -1;

/** An argument that is an array, in Postgres' binary format or as it is. */
export function readArray(argument: unknown): readonly unknown[] {
  if (Array.isArray(argument)) return argument;
  if (!Buffer.isBuffer(argument)) throw new Error("an argument is no array");
  const type = TYPES.get(argument.readInt32BE(8));
  if (type === undefined) throw new Error(`an array of an unknown type: ${argument.readInt32BE(8)}`);
  let at = HEADER_BYTES;
  return Array.from({ length: argument.readInt32BE(12) }, () => {
    const length = argument.readInt32BE(at);
    at += 4 + Math.max(0, length);
    return length === NULL ? null : readValue(type, argument.subarray(at - length, at));
  });
}

function readValue(type: Type, bytes: Buffer): unknown {
  switch (type) {
    case "bool":
      return bytes[0] === 1;
    case "bytea":
      return new Uint8Array(bytes);
    case "int8":
      return bytes.readBigInt64BE();
    case "int2":
      return bytes.readInt16BE();
    case "int4":
      return bytes.readInt32BE();
    case "text":
      return bytes.toString("utf8");
    case "timestamptz":
      return EPOCH + Number(bytes.readBigInt64BE());
  }
}

/** A single timestamptz: as the store writes it, or an instant. */
export function readInstant(argument: unknown): Instant | null {
  if (argument === null || typeof argument === "number") return argument;
  const text = String(argument);
  if (text === "infinity") return Number.POSITIVE_INFINITY;
  if (text === "-infinity") return Number.NEGATIVE_INFINITY;
  const [, second = "", fraction = ""] = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)\.(\d{6})Z$/.exec(text) ?? [];
  return Date.parse(`${second}Z`) * 1000 + Number(fraction);
}

type Column = readonly [Type, unknown];

/** What `record_send(row(…))` makes of these columns. */
export function packRow(columns: readonly Column[]): Buffer {
  const parts: Buffer[] = [int4(columns.length)];
  for (const [type, value] of columns) {
    const bytes = value === null || value === undefined ? null : packValue(type, value);
    parts.push(int4(OID[type]), int4(bytes === null ? NULL : bytes.length));
    if (bytes !== null) parts.push(bytes);
  }
  return Buffer.concat(parts);
}

function packValue(type: Type, value: unknown): Buffer {
  switch (type) {
    case "bool":
      return Buffer.of(value === true ? 1 : 0);
    case "bytea":
      return Buffer.from(value as Uint8Array);
    case "int8":
      return int8(BigInt(value as number | bigint));
    case "int2": {
      const bytes = Buffer.alloc(2);
      bytes.writeInt16BE(value as number);
      return bytes;
    }
    case "int4":
      return int4(value as number);
    case "text":
      return Buffer.from(value as string, "utf8");
    case "timestamptz":
      return int8(timestamp(value as Instant));
  }
}

/** The greatest and the least int8 stand for the infinities. */
function timestamp(instant: Instant): bigint {
  if (instant === Number.POSITIVE_INFINITY) return 2n ** 63n - 1n;
  if (instant === Number.NEGATIVE_INFINITY) return -(2n ** 63n);
  return BigInt(Math.trunc(instant)) - BigInt(EPOCH);
}

function int4(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(value);
  return bytes;
}

function int8(value: bigint): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigInt64BE(value);
  return bytes;
}

/** A record as claim.sql, reclaim.sql, reconcile.sql and peek.sql send it; null where there is none. */
export function packRecord(record: StoredRecord | null): Buffer | null {
  if (record === null) return null;
  const row = toRow(record);
  // biome-ignore format: one after the other, as they are sent
  return packRow([
    ["int2", row.state], ["timestamptz", row.due], ["timestamptz", row.forget_at], ["bool", row.has_waiters],
    ["int4", row.attempt], ["int8", row.fence], ["bytea", row.lease_token], ["text", row.claim_id],
    ["bytea", row.suspect_token], ["int8", row.suspect_fence], ["bytea", row.fingerprint],
    ["text", row.fingerprint_algorithm], ["bool", row.hold], ["int4", row.max_attempts],
    ["int8", row.max_execution_ms], ["int8", row.result_retention_ms], ["int8", row.tombstone_retention_ms],
    ["timestamptz", row.create_time], ["timestamptz", row.attempt_start_time], ["timestamptz", row.end_time],
    ["int2", row.reason], ["bytea", row.end_digest], ["bytea", row.outcome], ["bytea", row.checkpoint],
    ["int8", row.checkpoint_sequence], ["timestamptz", row.checkpoint_time], ["bytea", row.evidence],
    ["text", row.external_ref], ["bytea", row.progress],
  ]);
}

/** In the order of their codes. */
const REASONS = ["lease-expired", "reported", "store-restored", "max-attempts", "resolved"];

/** A record as the driver decodes it from a statement that returns its columns. */
export function toRow(record: StoredRecord): RecordRow {
  const { key, policy, fingerprint, suspect } = record;
  return {
    ...key,
    state: encodeState(record.state),
    due: record.due,
    forget_at: record.forgetAt,
    has_waiters: record.hasWaiters,
    attempt: record.attempt,
    fence: record.lease.fence,
    lease_token: record.lease.token,
    claim_id: record.claimId,
    suspect_token: suspect?.token ?? null,
    suspect_fence: suspect?.fence ?? null,
    fingerprint: fingerprint?.digest ?? null,
    fingerprint_algorithm: fingerprint?.algorithm ?? "",
    hold: policy.hold,
    max_attempts: policy.maxAttempts,
    max_execution_ms: policy.maxExecutionMs === null ? null : BigInt(policy.maxExecutionMs),
    result_retention_ms: BigInt(policy.resultRetentionMs),
    tombstone_retention_ms: BigInt(policy.tombstoneRetentionMs),
    create_time: record.createTime,
    attempt_start_time: record.attemptStartTime,
    end_time: record.endTime,
    reason: record.reason === null ? null : REASONS.indexOf(record.reason) + 1,
    end_digest: record.endDigest,
    outcome: record.outcome,
    checkpoint: record.checkpoint,
    checkpoint_sequence: record.checkpointSequence,
    checkpoint_time: record.checkpointTime,
    evidence: record.evidence,
    external_ref: record.externalRef,
    progress: record.progress,
  };
}
