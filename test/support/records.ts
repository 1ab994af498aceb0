import { randomBytes } from "node:crypto";
import type { ClaimCall, FinishCall, HeartbeatCall } from "../../src/domain/calls.ts";
import { addMs, type Instant } from "../../src/domain/instant.ts";
import type { RecordKey } from "../../src/domain/key.ts";
import type { Fingerprint, Policy, Proof, StoredRecord } from "../../src/domain/record.ts";
import type { Store } from "../../src/store/store.ts";

/** A whole millisecond of a realistic present: fences are derived from it. */
export const NOW: Instant = Date.UTC(2026, 7, 20, 12, 0, 0) * 1000;

export const SECOND = 1_000;
export const MINUTE = 60 * SECOND;
export const HOUR = 60 * MINUTE;
export const DAY = 24 * HOUR;

export const LEASE_MS = 30 * SECOND;

/** The defaults of the contract. */
export const POLICY: Policy = {
  hold: false,
  maxAttempts: 0,
  maxExecutionMs: null,
  resultRetentionMs: DAY,
  tombstoneRetentionMs: DAY,
};

export function bytes(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

/** 16 bytes that differ for different names. */
export function tokenOf(name: string): Uint8Array {
  return bytes(name.padEnd(16, "."));
}

export function freshToken(): Uint8Array {
  return new Uint8Array(randomBytes(16));
}

export function claimIdOf(name: string): string {
  return name.padEnd(16, "-");
}

export function fingerprintOf(name: string): Fingerprint {
  return { algorithm: "sha-256", digest: bytes(name.padEnd(32, "_")) };
}

export const NO_FINGERPRINT: Fingerprint = { algorithm: "", digest: new Uint8Array() };

export function proofOf(name: string, fence: bigint): Proof {
  return { token: tokenOf(name), fence };
}

/** The holder of a record made by `recordOf`. */
export const HOLDER: Proof = proofOf("holder", BigInt(addMs(NOW, -10 * SECOND)));

/** An older attempt than the holder's. */
export const SUSPECT: Proof = proofOf("suspect", HOLDER.fence - 1_000n);

/** In progress, with a live lease, unless told otherwise. */
export function recordOf(change: Partial<StoredRecord> = {}): StoredRecord {
  return {
    key: { tenant: "default", scope: "orders", key: "order-1" },
    state: "in-progress",
    due: addMs(NOW, 20 * SECOND),
    forgetAt: Number.POSITIVE_INFINITY,
    hasWaiters: false,
    attempt: 1,
    lease: HOLDER,
    claimId: claimIdOf("holder"),
    suspect: null,
    fingerprint: fingerprintOf("payload"),
    policy: POLICY,
    createTime: addMs(NOW, -10 * SECOND),
    attemptStartTime: addMs(NOW, -10 * SECOND),
    endTime: null,
    reason: null,
    endDigest: null,
    outcome: null,
    checkpoint: null,
    checkpointSequence: 0n,
    checkpointTime: null,
    evidence: bytes("the holder's evidence"),
    externalRef: null,
    progress: null,
    ...change,
  };
}

/** A stranger's claim of the record of `recordOf`, with its payload and its policy. */
export function claimOf(change: Partial<ClaimCall> = {}): ClaimCall {
  return {
    key: { tenant: "default", scope: "orders", key: "order-1" },
    claimId: claimIdOf("stranger"),
    token: tokenOf("stranger"),
    fingerprint: fingerprintOf("payload"),
    leaseMs: LEASE_MS,
    intent: "execute",
    reuse: "replay-all",
    policy: POLICY,
    evidence: bytes("the stranger's evidence"),
    externalRef: null,
    mayAcquire: "anything",
    ...change,
  };
}

export function heartbeatOf(change: Partial<HeartbeatCall> = {}): HeartbeatCall {
  return {
    key: { tenant: "default", scope: "orders", key: "order-1" },
    proof: HOLDER,
    leaseMs: LEASE_MS,
    checkpoint: null,
    progress: null,
    externalRef: null,
    ...change,
  };
}

/** The digest is made from kind, outcome and delay, as the contract asks, unless given. */
export function finishOf(change: Partial<FinishCall> = {}): FinishCall {
  const kind = change.kind ?? "complete";
  const outcome = change.outcome === undefined ? bytes("outcome") : change.outcome;
  const delayMs = change.delayMs ?? 0;
  return {
    key: { tenant: "default", scope: "orders", key: "order-1" },
    proof: HOLDER,
    kind,
    outcome,
    digest: bytes(`${kind} ${outcome === null ? "null" : Buffer.from(outcome).toString("hex")} ${delayMs}`),
    delayMs,
    checkpoint: null,
    onlyIfDue: null,
    ...change,
  };
}

/** Flags the record as it is now; false when there is none. */
export async function flagAsItIs(store: Store, key: RecordKey): Promise<boolean> {
  const { record } = await store.peek(key, Number.POSITIVE_INFINITY);
  if (record === null) return false;
  return await store.watch({ key, state: record.state, fence: record.lease.fence }, Number.POSITIVE_INFINITY);
}
