import { addMs, type Instant } from "./instant.ts";
import { isOutcomeUnknown, type StoredRecord } from "./record.ts";

/**
 * Why a record does not go on by itself, or not as it should.
 *
 * - `outcome-unknown`: nobody knows whether the work was done, and no reconciler is looking into it
 * - `lease-expired`: the holder's lease has been over for a while, and nobody has taken over
 * - `overdue`: it could have been claimed again for a while, and nobody has
 */
export type StuckReason = "outcome-unknown" | "lease-expired" | "overdue";

/** A retry or takeover that comes within it is what leases are for, and no reason to look. */
export const STUCK_GRACE_MS = 60_000;

/** Null: it is not stuck. */
export function stuckReason(record: StoredRecord, now: Instant): StuckReason | null {
  if (isOutcomeUnknown(record, now)) return "outcome-unknown";
  if (addMs(record.due, STUCK_GRACE_MS) > now) return null;
  if (record.state === "in-progress") return "lease-expired";
  // A reset record waits for its first claim like one that was never there.
  return record.state === "available" && record.fingerprint !== null ? "overdue" : null;
}

/** Since when a record that is stuck has stood still: since its lease or its delay was over, the grace included. */
export function stuckSince(record: StoredRecord): Instant {
  return record.due;
}
