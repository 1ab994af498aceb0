import type { Instant } from "../instant.ts";
import { isForgotten, isReconciling, type StoredRecord } from "../record.ts";
import { nextFence } from "./claim.ts";

/**
 * ForceRelease: takes the lease away, so the fence rises. Claimable at once under REACQUIRE; under HOLD, and for a
 * reconciler's lease whatever the policy, the outcome is unknown and the suspect's end still counts.
 *
 * @param token 16 fresh random bytes, given to nobody
 * @returns the record to store; null unless it is in progress
 */
export function decideRelease(stored: StoredRecord | null, token: Uint8Array, now: Instant): StoredRecord | null {
  if (stored === null || stored.state !== "in-progress") return null;
  const unknown = stored.policy.hold || isReconciling(stored);
  return {
    ...stored,
    state: unknown ? "outcome-unknown" : "available",
    due: now,
    lease: { token, fence: nextFence(stored.lease.fence, now, 0n) },
    suspect: unknown ? (stored.suspect ?? stored.lease) : null,
    reason: unknown ? (stored.reason ?? "lease-expired") : null,
    endDigest: null,
  };
}

/**
 * ResetRecord: the next claim is a first claim, but the fence goes on.
 *
 * @param force also while a lease is live
 * @returns the record to store; null when absent, forgotten, or held and not forced
 */
export function decideReset(
  stored: StoredRecord | null,
  token: Uint8Array,
  force: boolean,
  now: Instant,
): StoredRecord | null {
  if (stored === null || isForgotten(stored, now)) return null;
  if (!force && stored.state === "in-progress" && stored.due > now) return null;
  return {
    ...stored,
    state: "available",
    due: now,
    forgetAt: Number.POSITIVE_INFINITY,
    attempt: 0,
    lease: { token, fence: nextFence(stored.lease.fence, now, 0n) },
    suspect: null,
    fingerprint: null,
    endTime: null,
    reason: null,
    endDigest: null,
    outcome: null,
    checkpoint: null,
    checkpointSequence: 0n,
    checkpointTime: null,
    externalRef: null,
    progress: null,
  };
}
