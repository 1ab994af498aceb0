import type { Instant } from "./instant.ts";
import type { RecordKey } from "./key.ts";

/**
 * What is stored of a record. What a caller sees is derived from it by the database's clock, see `derive`.
 *
 * ```
 *              claim                     complete
 *  (absent) ─────────▶ in-progress ─────────────────▶ completed ─ result end ─▶ expired ─ tombstone end ─▶ (absent)
 *                       │ ▲   │ │  fail terminal   ─▶ failed ──────────────────▶ expired
 *        fail retryable │ │   │ └─ last attempt used up ─▶ failed (max-attempts)
 *      fail not-started ▼ │   │
 *                 available   ├─ lease over, REACQUIRE ─▶ claimable ─ claim ─▶ in-progress (attempt + 1, takeover)
 *             (from its due)  ├─ lease over, HOLD ──────▶ outcome-unknown
 *                             └─ fail outcome-unknown ──▶ outcome-unknown
 *  failed ─ claim (reuse retry-failed) ─▶ in-progress
 * ```
 */
export type StoredState = "in-progress" | "available" | "completed" | "failed" | "outcome-unknown";

/** As callers see it: by time, whether or not anybody has written it down. */
export type SeenState = StoredState | "expired";

export type EndState = "completed" | "failed";

/** Why a record is failed, or why its outcome is unknown. */
export type Reason = "lease-expired" | "reported" | "store-restored" | "max-attempts" | "resolved";

/** Digests are compared, byte by byte; the label is kept for people. Two empty digests are equal. */
export interface Fingerprint {
  readonly algorithm: string;
  readonly digest: Uint8Array;
}

/** Fixed by a record's first claim. */
export interface Policy {
  /** Lease over means outcome-unknown instead of claimable. */
  readonly hold: boolean;
  /** 0: no limit. */
  readonly maxAttempts: number;
  /** No lease of an attempt reaches past it. */
  readonly maxExecutionMs: number | null;
  readonly resultRetentionMs: number;
  readonly tombstoneRetentionMs: number;
}

/** What the holder of one attempt proves itself with: the token proves, the fence orders. */
export interface Proof {
  /** 16 random bytes. */
  readonly token: Uint8Array;
  readonly fence: bigint;
}

export interface StoredRecord {
  readonly key: RecordKey;
  readonly state: StoredState;
  /** in-progress: lease end · available: claimable from · ended: result end · outcome-unknown: since when. */
  readonly due: Instant;
  /** Ended: tombstone end. Infinity while open: nothing unfinished is forgotten by time. */
  readonly forgetAt: Instant;
  readonly hasWaiters: boolean;
  readonly attempt: number;
  /** The newest attempt's. */
  readonly lease: Proof;
  /** The newest attempt's. */
  readonly claimId: string;
  /**
   * The attempt that a reconciler looks into, or that an operator cut off: its complete and terminal fail still count.
   * Kept on an ended record if it was the suspect who ended it, so that its repeat is recognised.
   */
  readonly suspect: Proof | null;
  /** null: unbound by a reset; the next claim is a first claim. */
  readonly fingerprint: Fingerprint | null;
  readonly policy: Policy;
  readonly createTime: Instant;
  readonly attemptStartTime: Instant;
  readonly endTime: Instant | null;
  readonly reason: Reason | null;
  /** Over everything that the call which ended the last attempt said; null when no call did. */
  readonly endDigest: Uint8Array | null;
  /** completed: the encoded result · otherwise: the encoded error of the last call that ended an attempt, or null. */
  readonly outcome: Uint8Array | null;
  readonly checkpoint: Uint8Array | null;
  /** 0: no checkpoint yet. */
  readonly checkpointSequence: bigint;
  /** When the checkpoint was stored; null without one. */
  readonly checkpointTime: Instant | null;
  /** Encoded owner, metadata and traceparent of the newest attempt; opaque here. */
  readonly evidence: Uint8Array;
  readonly externalRef: string | null;
  readonly progress: Uint8Array | null;
}

export function hasEnded(record: StoredRecord): boolean {
  return record.state === "completed" || record.state === "failed";
}

/** The tombstone is over: as if the record had never been, whether or not the sweeper came. */
export function isForgotten(record: StoredRecord, now: Instant): boolean {
  return record.forgetAt <= now;
}

/**
 * A completed record without its result was emptied at its end by a clock that has stepped back since; there is nothing
 * left to replay. A failed one may lack an error from the start, so its absence says nothing.
 */
export function isExpired(record: StoredRecord, now: Instant): boolean {
  if (record.state === "completed" && record.outcome === null) return true;
  return hasEnded(record) && record.due <= now;
}

/** An expired record as the sweeper leaves it: the tombstone, and nothing of what it held. */
export function emptied(record: StoredRecord): StoredRecord {
  return {
    ...record,
    outcome: null,
    checkpoint: null,
    checkpointTime: null,
    progress: null,
    externalRef: null,
    evidence: new Uint8Array(),
  };
}

export function isReconciling(record: StoredRecord): boolean {
  return record.state === "in-progress" && record.suspect !== null;
}

/** Stored as unknown, or unknown by lapse. */
export function isOutcomeUnknown(record: StoredRecord, now: Instant): boolean {
  if (record.state === "outcome-unknown") return true;
  return record.state === "in-progress" && record.due <= now && (record.policy.hold || record.suspect !== null);
}

/**
 * Callers see it in this state. Without its outcome at hand a completed record passes for one that still has it, so one
 * that was emptied before its time is both, completed and expired.
 */
export function isSeenAs(record: StoredRecord, state: SeenState, now: Instant): boolean {
  if (state === "expired") return isExpired(record, now);
  if (hasEnded(record)) return record.state === state && record.due > now;
  return state === (isOutcomeUnknown(record, now) ? "outcome-unknown" : record.state);
}

export function attemptsUsedUp(record: StoredRecord): boolean {
  return record.policy.maxAttempts > 0 && record.attempt >= record.policy.maxAttempts;
}

export function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

/**
 * A claim under this token has acquired the record. If it was answered REATTACHED, it was sent twice by the store, which
 * had lost the connection before the first answer came.
 */
export function isOwnLease(record: StoredRecord, token: Uint8Array): boolean {
  return sameBytes(record.lease.token, token);
}

export function sameProof(a: Proof, b: Proof): boolean {
  return a.fence === b.fence && sameBytes(a.token, b.token);
}
