import type { RecordEvent } from "../../domain/history.ts";
import { addMs, type Instant, msBetween } from "../../domain/instant.ts";
import {
  attemptsUsedUp,
  emptied,
  hasEnded,
  isExpired,
  isForgotten,
  isOutcomeUnknown,
  type StoredRecord,
} from "../../domain/record.ts";
import { settle } from "../../domain/reducer/claim.ts";
import { type StuckReason, stuckReason, stuckSince } from "../../domain/stuck.ts";
import type { OpenRecords } from "../operator-store.ts";
import type { Swept } from "../store.ts";
import type { Shelf } from "./shelf.ts";

/** One pass; it always finishes a round over the open records, as they are afterwards. */
export function sweepShelf(shelf: Shelf, limit: number, now: Instant, upTo: Instant = now): Swept {
  const erasesUntil = Math.min(now, upTo);
  const each = (matches: (record: StoredRecord) => boolean, apply: (record: StoredRecord) => void) => {
    const found = shelf.all().filter(matches).take(limit).toArray();
    for (const record of found) apply(record);
    return found.length;
  };
  const swept = {
    forgotten: each((record) => isForgotten(record, erasesUntil), shelf.remove),
    abandoned: each((record) => isAbandoned(record, erasesUntil), shelf.remove),
    emptied: each(
      (record) => isExpired(record, erasesUntil) && (holdsContent(record) || shelf.events(record.key).some(holdsMore)),
      (record) => shelf.write(emptied(record), now),
    ),
    settled: each(
      (record) => isExhausted(record, now),
      (record) => shelf.write(settle(record, now), now),
    ),
  };
  return { ...swept, round: countOpen(shelf, now) };
}

function countOpen(shelf: Shelf, now: Instant): OpenRecords {
  const stuck: Record<StuckReason, number> = { "outcome-unknown": 0, "lease-expired": 0, overdue: 0 };
  const stuckMsMax = { ...stuck };
  let open = 0;
  for (const record of shelf.all().filter((each) => !hasEnded(each))) {
    open++;
    const reason = stuckReason(record, now);
    if (reason === null) continue;
    stuck[reason]++;
    stuckMsMax[reason] = Math.max(stuckMsMax[reason], msBetween(stuckSince(record), now));
  }
  return { open, stuck, stuckMsMax };
}

/** Claimable for one result retention. HOLD, suspects and used-up attempts stay: somebody must still hear of them. */
function isAbandoned(record: StoredRecord, now: Instant): boolean {
  if (record.suspect !== null || attemptsUsedUp(record)) return false;
  if (addMs(record.due, record.policy.resultRetentionMs) > now) return false;
  return record.state === "available" || (record.state === "in-progress" && !record.policy.hold);
}

function isExhausted(record: StoredRecord, now: Instant): boolean {
  if (record.state !== "in-progress" && record.state !== "available") return false;
  return record.due <= now && attemptsUsedUp(record) && !isOutcomeUnknown(record, now);
}

function holdsMore({ evidence, error }: RecordEvent): boolean {
  return evidence.length > 0 || error !== null;
}

function holdsContent(record: StoredRecord): boolean {
  const { outcome, checkpoint, progress, externalRef, evidence } = record;
  return outcome !== null || checkpoint !== null || progress !== null || externalRef !== null || evidence.length > 0;
}
