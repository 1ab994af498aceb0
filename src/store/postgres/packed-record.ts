import type { RecordKey } from "../../domain/key.ts";
import type { Fingerprint, Policy, Proof, StoredRecord } from "../../domain/record.ts";
import { PackedRow } from "./packed-row.ts";
import { decodeReason, decodeState } from "./record-row.ts";

/** What a statement sends of a record: `record_send(row(…))` of its columns; null where there is none. */
export type PackedRecord = Uint8Array | null;

/**
 * Reads the columns in the order in which claim.sql, reclaim.sql, reconcile.sql and peek.sql send them; a test compares
 * it with the columns read by name.
 */
export function unpackRecord(packed: PackedRecord, key: RecordKey): StoredRecord | null {
  if (packed === null) return null;
  const row = new PackedRow(packed);
  const state = decodeState(row.int2OrNull() ?? 0);
  const due = row.instant();
  const forgetAt = row.instant();
  const hasWaiters = row.bool();
  const attempt = row.int4();
  const fence = row.int8();
  const lease: Proof = { token: row.bytes(), fence };
  const claimId = row.text();
  const suspect = readSuspect(row);
  const fingerprint = readFingerprint(row);
  const policy = readPolicy(row);
  const createTime = row.instant();
  const attemptStartTime = row.instant();
  const endTime = row.instantOrNull();
  const reason = row.int2OrNull();
  const endDigest = row.bytesOrNull();
  const outcome = row.bytesOrNull();
  const checkpoint = row.bytesOrNull();
  const checkpointSequence = row.int8();
  const checkpointTime = row.instantOrNull();
  const evidence = row.bytes();
  const externalRef = row.textOrNull();
  const progress = row.bytesOrNull();
  row.end();
  // biome-ignore format: one after the other, as they are read
  return {
    key, state, due, forgetAt, hasWaiters, attempt, lease, claimId, suspect, fingerprint, policy, createTime,
    attemptStartTime, endTime, reason: reason === null ? null : decodeReason(reason), endDigest, outcome, checkpoint,
    checkpointSequence, checkpointTime, evidence, externalRef, progress,
  };
}

function readSuspect(row: PackedRow): Proof | null {
  const token = row.bytesOrNull();
  const fence = row.int8OrNull();
  return token === null || fence === null ? null : { token, fence };
}

function readFingerprint(row: PackedRow): Fingerprint | null {
  const digest = row.bytesOrNull();
  const algorithm = row.text();
  return digest === null ? null : { algorithm, digest };
}

function readPolicy(row: PackedRow): Policy {
  return {
    hold: row.bool(),
    maxAttempts: row.int4(),
    maxExecutionMs: row.numberOrNull(),
    resultRetentionMs: row.number(),
    tombstoneRetentionMs: row.number(),
  };
}
