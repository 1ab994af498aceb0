import type { RecordRow } from "../../../../src/store/postgres/record-row.ts";
import { fingerprintOf, HOLDER, recordOf } from "../../../support/records.ts";

/** The row of `recordOf()`, as a connection decodes it. */
export function rowOf(change: Partial<RecordRow> = {}): RecordRow {
  const record = recordOf();
  return {
    ...record.key,
    state: 1,
    due: record.due,
    forget_at: record.forgetAt,
    has_waiters: false,
    attempt: 1,
    fence: HOLDER.fence,
    lease_token: Buffer.from(HOLDER.token),
    claim_id: record.claimId,
    suspect_token: null,
    suspect_fence: null,
    fingerprint: Buffer.from(fingerprintOf("payload").digest),
    fingerprint_algorithm: "sha-256",
    hold: false,
    max_attempts: 0,
    max_execution_ms: null,
    result_retention_ms: BigInt(record.policy.resultRetentionMs),
    tombstone_retention_ms: BigInt(record.policy.tombstoneRetentionMs),
    create_time: record.createTime,
    attempt_start_time: record.attemptStartTime,
    end_time: null,
    reason: null,
    end_digest: null,
    outcome: null,
    checkpoint: null,
    checkpoint_sequence: 0n,
    checkpoint_time: null,
    evidence: Buffer.from(record.evidence),
    external_ref: null,
    progress: null,
    ...change,
  };
}
