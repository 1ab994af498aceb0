import type { Instant } from "../domain/instant.ts";
import { emptied, isExpired, isOutcomeUnknown, type SeenState, type StoredRecord } from "../domain/record.ts";

/** What callers see a record in. */
export type DerivedState = SeenState;

/** By the database's clock, the same in every call, whether or not the sweeper came. */
export function deriveState(record: StoredRecord, now: Instant): DerivedState {
  if (isExpired(record, now)) return "expired";
  return isOutcomeUnknown(record, now) ? "outcome-unknown" : record.state;
}

/** An expired record as the sweeper leaves it, so that nobody can tell whether the sweeper came. */
export function visible(record: StoredRecord, now: Instant): StoredRecord {
  return isExpired(record, now) ? emptied(record) : record;
}
