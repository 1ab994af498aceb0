import type { Instant } from "../../../domain/instant.ts";
import { hasEnded, type StoredRecord } from "../../../domain/record.ts";
import { type StuckReason, stuckReason } from "../../../domain/stuck.ts";
import { type DerivedState, deriveState, visible } from "../../derive.ts";

/** A record as operators see it in a list and after a change of theirs. */
export interface RecordView {
  /** As a caller may see it: an expired record shows nothing of what it held. */
  readonly record: StoredRecord;
  readonly state: DerivedState;
  readonly stuck: StuckReason | null;
}

/** Of a record whose outcome may have been left out. */
export function viewOf(record: StoredRecord, now: Instant, stuck = stuckReason(record, now)): RecordView {
  const state = stateOf(record, now);
  return { record: state === "expired" ? visible(record, now) : record, state, stuck };
}

/**
 * By its time alone: `deriveState` would take a completed record for an expired one, for want of its outcome. They differ
 * only for a record that was emptied at its end by a clock which has stepped back since.
 */
function stateOf(record: StoredRecord, now: Instant): DerivedState {
  if (!hasEnded(record)) return deriveState(record, now);
  return record.due <= now ? "expired" : record.state;
}
