import type { Instant } from "./instant.ts";
import { emptied, hasEnded, isExpired, type StoredRecord, sameBytes } from "./record.ts";

/** What happened to a record. The codes in the database count from 1, in this order. */
export type RecordEventKind =
  | "claimed"
  | "taken-over"
  | "retried"
  | "reconciling"
  | "completed"
  | "failed-retryable"
  | "failed"
  | "not-started"
  | "outcome-unknown"
  | "attempts-used-up"
  | "released"
  | "resolved"
  | "reset";

/**
 * An event of a record to which more happened than one claim whose attempt ended it in time, by a result or for good:
 * what happened before cannot be read from the record any more.
 */
export interface RecordEvent {
  /** From 1, rising by record. */
  readonly sequence: bigint;
  readonly kind: RecordEventKind;
  readonly time: Instant;
  /** The attempt that it was, or that it happened to. */
  readonly attempt: number;
  /** The fence afterwards. */
  readonly fence: bigint;
  /** Encoded owner and metadata of the attempt; opaque here. */
  readonly evidence: Uint8Array;
  /** The encoded error that the attempt reported; null without one. */
  readonly error: Uint8Array | null;
  /** The attempt's lease was over already, or it had been given up on. */
  readonly late: boolean;
  /** Of an operator's change: its number in the audit log of the same database. */
  readonly auditSequence: bigint | null;
}

/** An event before it has a number among its record's, and before anybody knows whose change it was. */
export type EventDraft = Omit<RecordEvent, "sequence" | "auditSequence">;

/** As it is left when its record is emptied: that it happened, and nothing of what it held. */
export function emptiedEvent<Event extends EventDraft>(event: Event): Event {
  return { ...event, evidence: NOTHING, error: null };
}

const NOTHING = new Uint8Array();

/** So many of the newest events are kept of a record: somebody who retries every second must not fill the disk. */
export const EVENTS_KEPT = 32;

export interface Change {
  readonly before: StoredRecord;
  readonly after: StoredRecord;
  /** There are events of the record already. */
  readonly hasHistory: boolean;
  /** The evidence of the last claim to reconcile, which the record itself does not show; empty without one. */
  readonly reconciler: Uint8Array;
  readonly now: Instant;
}

/**
 * What a change of a record that was there, and not forgotten, adds to its history. The trigger in the database does the
 * same.
 *
 * Nothing, as long as all that happened is a claim whose attempt completed or failed for good in time: the record tells
 * of both by itself, and the usual way costs nothing. The first event is preceded by what the record told until then; of
 * an expired one that is what the sweeper leaves, whether or not it came.
 */
export function eventsOf({ before: found, ...others }: Change): readonly EventDraft[] {
  const before = isExpired(found, others.now) ? emptied(found) : found;
  const change = { ...others, before };
  const event = eventOf(change);
  if (event === null) return [];
  if (change.hasHistory) return [event];
  const isTold = (event.kind === "completed" || event.kind === "failed") && !event.late;
  return isTold ? [] : [...toldBy(before), event];
}

function eventOf(change: Change): EventDraft | null {
  if (change.after.lease.fence === change.before.lease.fence) return endOf(change);
  return change.after.state === "in-progress" ? acquisitionOf(change) : operatorsOf(change);
}

/** An end of an attempt, and the attempts being used up, leave the fence as it is; so do heartbeats and flags. */
function endOf({ before, after, reconciler, now }: Change): EventDraft | null {
  // Whoever reports an unknown outcome once more, with other words, changes nothing else.
  const again = after.state === "outcome-unknown" && !sameDigest(before.endDigest, after.endDigest);
  if (before.state === after.state && !again) return null;
  const bySuspect = hasEnded(after) && after.suspect !== null;
  const byReconciler = before.suspect !== null && !bySuspect;
  // Without a digest nobody reported anything: the next claim or the sweeper found the attempts used up.
  const reported = after.endDigest !== null;
  return {
    kind: endKind(before, after),
    time: now,
    attempt: before.attempt,
    fence: after.lease.fence,
    evidence: byReconciler ? reconciler : before.evidence,
    error: reported && after.state !== "completed" ? after.outcome : null,
    late: reported && (before.state === "outcome-unknown" || before.due <= now || bySuspect),
  };
}

function endKind(before: StoredRecord, after: StoredRecord): RecordEventKind {
  switch (after.state) {
    case "completed":
    case "outcome-unknown":
      return after.state;
    case "failed":
      return after.reason === "max-attempts" ? "attempts-used-up" : "failed";
    case "available":
      return after.attempt < before.attempt ? "not-started" : "failed-retryable";
    case "in-progress":
      throw new Error("bug: an attempt's end left it in progress");
  }
}

function acquisitionOf({ before, after, reconciler, now }: Change): EventDraft {
  const isReconciling = after.suspect !== null;
  return {
    kind: acquisitionKind(before, after),
    time: now,
    attempt: after.attempt,
    fence: after.lease.fence,
    evidence: isReconciling ? reconciler : after.evidence,
    error: null,
    late: false,
  };
}

function acquisitionKind(before: StoredRecord, after: StoredRecord): RecordEventKind {
  if (after.suspect !== null) return "reconciling";
  if (before.fingerprint === null) return "claimed";
  return before.state === "in-progress" ? "taken-over" : "retried";
}

/** Only an operator's change raises the fence and leaves nobody in progress. */
function operatorsOf({ before, after, reconciler, now }: Change): EventDraft {
  const kind = operatorsKind(before, after);
  const wasReconciling = before.state === "in-progress" && before.suspect !== null;
  return {
    kind,
    time: now,
    attempt: before.attempt,
    fence: after.lease.fence,
    evidence: kind === "released" && wasReconciling ? reconciler : before.evidence,
    error: kind === "resolved" && after.state === "failed" ? after.outcome : null,
    late: false,
  };
}

function operatorsKind(before: StoredRecord, after: StoredRecord): "released" | "resolved" | "reset" {
  if (after.fingerprint === null) return "reset";
  if (after.state === "outcome-unknown") return "released";
  // A release makes it available only where a lapse would; a resolution only where a lapse would not.
  const isRelease = after.state === "available" && before.state === "in-progress";
  return isRelease && !before.policy.hold && before.suspect === null ? "released" : "resolved";
}

/** What a record without events tells by itself: its newest claim and, once it has ended, its end. */
function toldBy(record: StoredRecord): readonly EventDraft[] {
  if (record.fingerprint === null) return [];
  const claim: EventDraft = {
    kind: "claimed",
    time: record.attemptStartTime,
    attempt: record.attempt,
    fence: record.lease.fence,
    evidence: record.evidence,
    error: null,
    late: false,
  };
  if (record.endTime === null) return [claim];
  const error = record.state === "failed" ? record.outcome : null;
  return [claim, { ...claim, kind: endKind(record, record), time: record.endTime, error }];
}

function sameDigest(a: Uint8Array | null, b: Uint8Array | null): boolean {
  return a === null || b === null ? a === b : sameBytes(a, b);
}
