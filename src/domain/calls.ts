import type { FaultCode } from "./fault.ts";
import type { Instant } from "./instant.ts";
import type { RecordKey } from "./key.ts";
import type { EndState, Fingerprint, Policy, Proof, StoredRecord, StoredState } from "./record.ts";

/** What a caller accepts of an ended record. */
export type Reuse = "replay-all" | "retry-failed" | "reject";

/** What the lease is for: to do the work, or to find out what became of an unknown outcome. */
export type Intent = "execute" | "reconcile";

export interface ClaimCall {
  readonly key: RecordKey;
  /** 16 to 64 bytes; one per logical attempt. */
  readonly claimId: string;
  /** 16 fresh random bytes: the lease's token if this call acquires. */
  readonly token: Uint8Array;
  readonly fingerprint: Fingerprint;
  readonly leaseMs: number;
  readonly intent: Intent;
  readonly reuse: Reuse;
  readonly policy: Policy;
  readonly evidence: Uint8Array;
  readonly externalRef: string | null;
  /** The verdict on the tenant, its quota and the server's drain. Whatever it is, ends are replayed and leases reattached. */
  readonly mayAcquire: MayAcquire;
}

/** "existing": a record that is there, but no new one. */
export type MayAcquire = "anything" | "existing" | "nothing";

export type AcquireReason = "new" | "reattached" | "takeover" | "retry" | "reconcile";

/** What a non-acquiring claim is told; `record` and `now` say the rest. */
export type ObservedKind = "in-progress" | "completed" | "failed" | "retry-scheduled" | "outcome-unknown" | "expired";

/** `record` is the record as the call left it; `now` the database's clock at the decision. */
export type ClaimAnswer =
  | {
      readonly kind: "acquired";
      readonly reason: AcquireReason;
      readonly record: StoredRecord;
      readonly policyDiffers: boolean;
      readonly now: Instant;
    }
  | {
      readonly kind: ObservedKind;
      readonly record: StoredRecord;
      readonly policyDiffers: boolean;
      readonly now: Instant;
    }
  /** It would have been acquired, but `mayAcquire` forbids it. */
  | { readonly kind: "refused"; readonly now: Instant }
  | Faulted;

export interface Faulted {
  readonly kind: "fault";
  readonly code: FaultCode;
  readonly now: Instant;
}

export interface Checkpoint {
  /** 1 to 2^63 - 1. */
  readonly sequence: bigint;
  readonly encoded: Uint8Array;
}

export interface HeartbeatCall {
  readonly key: RecordKey;
  readonly proof: Proof;
  readonly leaseMs: number;
  readonly checkpoint: Checkpoint | null;
  readonly progress: Uint8Array | null;
  readonly externalRef: string | null;
}

export type HeartbeatAnswer =
  | { readonly kind: "extended"; readonly due: Instant; readonly hasWaiters: boolean; readonly now: Instant }
  | Faulted;

/** How an attempt ends; `complete` and `terminal` end the record too. */
export type EndKind = "complete" | "retryable" | "terminal" | "outcome-unknown" | "not-started";

export interface FinishCall {
  readonly key: RecordKey;
  readonly proof: Proof;
  readonly kind: EndKind;
  /** Encoded result (complete) or error; null when a fail reported none. */
  readonly outcome: Uint8Array | null;
  /** Over everything the call says, its kind included: equal digests are the same call. */
  readonly digest: Uint8Array;
  /** retryable and not-started: from when the record can be claimed. At most the record's result retention. */
  readonly delayMs: number;
  readonly checkpoint: Checkpoint | null;
  /** A give-back: only while the lease still ends at this very instant. */
  readonly onlyIfDue: Instant | null;
}

export type FinishAnswer =
  | {
      readonly kind: "ended";
      /** As the call left it. */
      readonly state: EndState | "available" | "outcome-unknown";
      readonly due: Instant;
      readonly alreadyApplied: boolean;
      readonly late: boolean;
      readonly hasWaiters: boolean;
      readonly now: Instant;
    }
  | Faulted;

/** Flags a record for those who wait, if it still is as it was read. */
export interface WatchCall {
  readonly key: RecordKey;
  readonly state: StoredState;
  readonly fence: bigint;
}

/** What a peek saw; `record` is null when absent or forgotten. */
export interface Peeked {
  readonly record: StoredRecord | null;
  readonly now: Instant;
}
