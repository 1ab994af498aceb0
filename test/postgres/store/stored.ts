import type { RecordKey } from "../../../src/domain/key.ts";
import type { Reason, StoredRecord } from "../../../src/domain/record.ts";
import type { Connection } from "../../../src/store/postgres/connection.ts";
import { formatInstant } from "../../../src/store/postgres/instant.ts";
import { encodeState } from "../../../src/store/postgres/record-row.ts";

/** Puts records into the table as they are, whether or not any call would have made them so. */
export async function putAll(connection: Connection, records: readonly StoredRecord[]): Promise<void> {
  const text =
    "insert into holdfast.record select (jsonb_populate_record(null::holdfast.record, r)).* from unnest($1::jsonb[]) r";
  await connection.query({ name: "test_put", text }, [records.map((record) => JSON.stringify(columnsOf(record)))]);
}

/** In the order of their codes. */
const REASONS: readonly Reason[] = ["lease-expired", "reported", "store-restored", "max-attempts", "resolved"];

function columnsOf(record: StoredRecord): Readonly<Record<keyof RecordKey | (string & {}), unknown>> {
  const { lease, suspect, fingerprint, policy, endTime } = record;
  return {
    ...record.key,
    state: encodeState(record.state),
    due: formatInstant(record.due),
    forget_at: formatInstant(record.forgetAt),
    sweep_at: endTime === null ? "infinity" : formatInstant(record.due),
    has_waiters: record.hasWaiters,
    attempt: record.attempt,
    fence: `${lease.fence}`,
    lease_token: hexOf(lease.token),
    claim_id: record.claimId,
    suspect_token: hexOf(suspect?.token ?? null),
    suspect_fence: suspect === null ? null : `${suspect.fence}`,
    fingerprint: hexOf(fingerprint?.digest ?? null),
    fingerprint_algorithm: fingerprint?.algorithm ?? "",
    hold: policy.hold,
    max_attempts: policy.maxAttempts,
    max_execution_ms: policy.maxExecutionMs,
    result_retention_ms: policy.resultRetentionMs,
    tombstone_retention_ms: policy.tombstoneRetentionMs,
    create_time: formatInstant(record.createTime),
    attempt_start_time: formatInstant(record.attemptStartTime),
    end_time: endTime === null ? null : formatInstant(endTime),
    reason: record.reason === null ? null : REASONS.indexOf(record.reason) + 1,
    end_digest: hexOf(record.endDigest),
    outcome: hexOf(record.outcome),
    checkpoint: hexOf(record.checkpoint),
    checkpoint_sequence: `${record.checkpointSequence}`,
    checkpoint_time: record.checkpointTime === null ? null : formatInstant(record.checkpointTime),
    evidence: hexOf(record.evidence),
    external_ref: record.externalRef,
    progress: hexOf(record.progress),
    has_history: false,
  };
}

function hexOf(bytes: Uint8Array | null): string | null {
  return bytes === null ? null : `\\x${Buffer.from(bytes).toString("hex")}`;
}
