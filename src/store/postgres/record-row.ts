import type { Instant } from "../../domain/instant.ts";
import type { Proof, Reason, SeenState, StoredRecord, StoredState } from "../../domain/record.ts";

/** The columns of holdfast.record, as a connection decodes them; `sweep_at` is the sweeper's own. */
export interface RecordRow {
  readonly tenant: string;
  readonly scope: string;
  readonly key: string;
  readonly state: number;
  readonly due: Instant;
  readonly forget_at: Instant;
  readonly has_waiters: boolean;
  readonly attempt: number;
  readonly fence: bigint;
  readonly lease_token: Uint8Array;
  readonly claim_id: string;
  readonly suspect_token: Uint8Array | null;
  readonly suspect_fence: bigint | null;
  readonly fingerprint: Uint8Array | null;
  readonly fingerprint_algorithm: string;
  readonly hold: boolean;
  readonly max_attempts: number;
  readonly max_execution_ms: bigint | null;
  readonly result_retention_ms: bigint;
  readonly tombstone_retention_ms: bigint;
  readonly create_time: Instant;
  readonly attempt_start_time: Instant;
  readonly end_time: Instant | null;
  readonly reason: number | null;
  readonly end_digest: Uint8Array | null;
  readonly outcome: Uint8Array | null;
  readonly checkpoint: Uint8Array | null;
  readonly checkpoint_sequence: bigint;
  readonly checkpoint_time: Instant | null;
  readonly evidence: Uint8Array;
  readonly external_ref: string | null;
  readonly progress: Uint8Array | null;
}

/** A row of a statement that reads: `state` is null where no record was found, and so are the other columns. */
export type FoundRow = (RecordRow | (Pick<RecordRow, "tenant" | "scope" | "key"> & { readonly state: null })) & {
  readonly i: bigint;
  readonly seen_at: Instant;
};

export function decodeFound(row: FoundRow): StoredRecord | null {
  return row.state === null ? null : decodeRecord(row);
}

export function decodeRecord(row: RecordRow): StoredRecord {
  return {
    key: { tenant: row.tenant, scope: row.scope, key: row.key },
    state: decodeState(row.state),
    due: row.due,
    forgetAt: row.forget_at,
    hasWaiters: row.has_waiters,
    attempt: row.attempt,
    lease: { token: plain(row.lease_token), fence: row.fence },
    claimId: row.claim_id,
    suspect: decodeSuspect(row),
    fingerprint:
      row.fingerprint === null ? null : { algorithm: row.fingerprint_algorithm, digest: plain(row.fingerprint) },
    policy: {
      hold: row.hold,
      maxAttempts: row.max_attempts,
      maxExecutionMs: row.max_execution_ms === null ? null : Number(row.max_execution_ms),
      resultRetentionMs: Number(row.result_retention_ms),
      tombstoneRetentionMs: Number(row.tombstone_retention_ms),
    },
    createTime: row.create_time,
    attemptStartTime: row.attempt_start_time,
    endTime: row.end_time,
    reason: row.reason === null ? null : decodeReason(row.reason),
    endDigest: plainOrNull(row.end_digest),
    outcome: plainOrNull(row.outcome),
    checkpoint: plainOrNull(row.checkpoint),
    checkpointSequence: row.checkpoint_sequence,
    checkpointTime: row.checkpoint_time,
    evidence: plain(row.evidence),
    externalRef: row.external_ref,
    progress: plainOrNull(row.progress),
  };
}

const STATES = ["in-progress", "available", "completed", "failed", "outcome-unknown"] as const satisfies StoredState[];
const REASONS = ["lease-expired", "reported", "store-restored", "max-attempts", "resolved"] as const satisfies Reason[];

/** Codes begin at 1, in the order in which the migration lists them. */
export function decodeState(code: number): StoredState {
  const state = STATES[code - 1];
  if (state === undefined) throw new Error(`bug: no state has the code ${code}`);
  return state;
}

export function encodeState(state: StoredState): number {
  return STATES.indexOf(state) + 1;
}

/** The code of records that are seen as expired; the others are those of holdfast.record.state. */
const EXPIRED = 6;

export function encodeSeenState(state: SeenState): number {
  return state === "expired" ? EXPIRED : encodeState(state);
}

export function decodeReason(code: number): Reason {
  const reason = REASONS[code - 1];
  if (reason === undefined) throw new Error(`bug: no reason has the code ${code}`);
  return reason;
}

function decodeSuspect({ suspect_token: token, suspect_fence: fence }: RecordRow): Proof | null {
  return token === null || fence === null ? null : { token: plain(token), fence };
}

/** A Buffer becomes what the domain knows, without a copy. */
export function plain(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

export function plainOrNull(bytes: Uint8Array | null): Uint8Array | null {
  return bytes === null ? null : plain(bytes);
}
