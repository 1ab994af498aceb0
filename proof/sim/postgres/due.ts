import { addMs, type Instant } from "../../../src/domain/instant.ts";
import { attemptsUsedUp, isOutcomeUnknown, type StoredRecord } from "../../../src/domain/record.ts";

/** What housekeeping may do, by time. */

export function isExhausted(record: StoredRecord, now: Instant): boolean {
  if (record.state !== "in-progress" && record.state !== "available") return false;
  return record.due <= now && attemptsUsedUp(record) && !isOutcomeUnknown(record, now);
}

/** Claimable for one result retention. HOLD, suspects and used-up attempts stay: somebody must still hear of them. */
export function isAbandoned(record: StoredRecord, now: Instant): boolean {
  if (record.suspect !== null || attemptsUsedUp(record)) return false;
  if (addMs(record.due, record.policy.resultRetentionMs) > now) return false;
  return record.state === "available" || (record.state === "in-progress" && !record.policy.hold);
}

export function holdsContent(record: StoredRecord): boolean {
  const { outcome, checkpoint, progress, externalRef, evidence } = record;
  return outcome !== null || checkpoint !== null || progress !== null || externalRef !== null || evidence.length > 0;
}
