import type { RecordEvent, RecordEventKind } from "../../../domain/history.ts";
import type { Instant } from "../../../domain/instant.ts";
import type { StoredRecord } from "../../../domain/record.ts";
import type { ChangeNote, RecordHistory } from "../../../store/operator-store.ts";

/** Something that happened to a record: kept of its past, or told from the record itself. */
export interface TimelineEvent extends Omit<RecordEvent, "kind" | "sequence"> {
  readonly kind: RecordEventKind | "lease-expired";
  /** Of an operator's change. */
  readonly note: ChangeNote | null;
}

/**
 * What happened to a record, oldest first. Of most records nothing is kept, for they are claimed once and end by a result:
 * the record itself says when and by whom. Of others the claim is told too when it is too long ago to be kept.
 *
 * @param record as a caller may see it
 */
export function timelineOf(
  record: StoredRecord,
  { events, notes, now }: Pick<RecordHistory, "events" | "notes" | "now">,
): readonly TimelineEvent[] {
  const kept = events.map(
    (event): TimelineEvent => ({
      ...event,
      note: event.auditSequence === null ? null : (notes.get(event.auditSequence) ?? null),
    }),
  );
  const told = [...claimOf(record, events), ...kept, ...endOf(record, events), ...lapseOf(record, now)];
  // Stable: of the same instant, the kept ones stay in the order in which they happened.
  return told.sort((a, b) => a.time - b.time);
}

/**
 * The first claim, unless it is among the events. Who made it is known as long as nothing else has happened; where the
 * newest events have pushed it out, only when it was.
 */
function claimOf(record: StoredRecord, events: readonly RecordEvent[]): readonly TimelineEvent[] {
  const { createTime, attemptStartTime } = record;
  if (events.some(({ kind, time }) => kind === "claimed" && time >= createTime)) return [];
  const claim = told(record, "claimed", createTime);
  const isWhole = events.length === 0 && attemptStartTime === createTime;
  return [isWhole ? claim : { ...claim, attempt: 1, fence: 0n, evidence: NOTHING }];
}

const ENDS: ReadonlySet<RecordEventKind> = new Set(["completed", "failed", "attempts-used-up", "resolved"]);

function endOf(record: StoredRecord, events: readonly RecordEvent[]): readonly TimelineEvent[] {
  const { state, endTime, reason, outcome } = record;
  if (endTime === null || events.some(({ kind, time }) => ENDS.has(kind) && time >= endTime)) return [];
  if (state === "completed") return [told(record, "completed", endTime)];
  const kind = reason === "max-attempts" ? "attempts-used-up" : reason === "resolved" ? "resolved" : "failed";
  return [{ ...told(record, kind, endTime), error: outcome }];
}

/** The lease is over, and what became of it nobody has written down yet. */
function lapseOf(record: StoredRecord, now: Instant): readonly TimelineEvent[] {
  return record.state === "in-progress" && record.due <= now ? [told(record, "lease-expired", record.due)] : [];
}

const NOTHING = new Uint8Array();

function told(record: StoredRecord, kind: TimelineEvent["kind"], time: Instant): TimelineEvent {
  const { attempt, lease, evidence } = record;
  return {
    kind,
    time,
    attempt,
    fence: lease.fence,
    evidence,
    error: null,
    late: false,
    auditSequence: null,
    note: null,
  };
}
