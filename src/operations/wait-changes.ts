import type { Peeked } from "../domain/calls.ts";
import { isReconciling, type StoredRecord, sameBytes } from "../domain/record.ts";
import { deriveState, visible } from "./derive.ts";
import type { SeenRecord } from "./get-record.ts";

export type LeaseChange = "lapsed" | "taken-over" | "released" | "retry-scheduled";

/** What is told of one record to those who wait for it. */
export type RecordEvent =
  /** Null: there is no such record. */
  | { readonly kind: "snapshot"; readonly seen: SeenRecord | null }
  | { readonly kind: "progress" | "checkpoint" | "outcome-unknown"; readonly record: StoredRecord }
  /** Of a record that is gone, `record` is what it was before. */
  | { readonly kind: "lease-changed"; readonly change: LeaseChange; readonly record: StoredRecord }
  | {
      readonly kind: "ended";
      readonly state: "completed" | "failed" | "expired";
      readonly record: StoredRecord;
    };

/**
 * What there is to tell after `told`, the reading that was told last, of which nothing is told twice. Null, and it begins
 * with a snapshot. What happened between the two is told as far as it still shows; an end stands for all before it.
 *
 * ```
 *  absent ──▶ held ──▶ lapsed        held: taken over, unless it is the same lease as before
 *             │  ▲     │             lapsed, released, scheduled, unknown: told when entered, and again when another
 *             ▼  │     ▼             lease or another due time has come there meanwhile
 *  scheduled ──▶ released            absent again: released, unless it was so already
 *  unknown ───▶ ended
 * ```
 */
export function changesBetween(told: Peeked | null, seen: Peeked): readonly RecordEvent[] {
  const stage = stageOf(seen);
  if (told !== null) return changesSince({ record: told.record, stage: stageOf(told) }, seen, stage);
  return [snapshotOf(seen), ...changesSince({ record: seen.record, stage: AS_SHOWN[stage] }, seen, stage)];
}

type Stage = "absent" | "held" | "lapsed" | "scheduled" | "released" | "unknown" | "ended";

/**
 * What a snapshot lets its reader know. It shows a due time, but only the database's clock knows whether that has come;
 * so this is told behind it. Otherwise a wait that begins just after a lease has run out would never tell of it.
 */
const AS_SHOWN = {
  absent: "absent",
  held: "held",
  lapsed: "held",
  scheduled: "scheduled",
  released: "scheduled",
  unknown: "unknown",
  ended: "ended",
} as const satisfies Record<Stage, Stage>;

interface Before {
  readonly record: StoredRecord | null;
  readonly stage: Stage;
}

function stageOf({ record, now }: Peeked): Stage {
  if (record === null) return "absent";
  const isDue = record.due <= now;
  switch (deriveState(record, now)) {
    case "in-progress":
      return isDue ? "lapsed" : "held";
    case "available":
      return isDue ? "released" : "scheduled";
    case "outcome-unknown":
      return "unknown";
    case "completed":
    case "failed":
    case "expired":
      return "ended";
  }
}

function snapshotOf({ record, now }: Peeked): RecordEvent {
  const seen = record === null ? null : { state: deriveState(record, now), record: visible(record, now), now };
  return { kind: "snapshot", seen };
}

function changesSince(before: Before, { record, now }: Peeked, stage: Stage): readonly RecordEvent[] {
  if (record === null) return gone(before);
  const state = deriveState(record, now);
  if (state === "completed" || state === "failed" || state === "expired") return [{ kind: "ended", state, record }];
  const change = changeTo(stage, before, record);
  // In the order in which it must have happened.
  if (change?.kind === "lease-changed" && change.change === "taken-over") {
    return [change, ...workSince(before.record, record, !isReconciling(record))];
  }
  return [...workSince(before.record, record, false), ...(change === null ? [] : [change])];
}

/** The sweeper deletes what was claimable for long; that nobody may notice. */
function gone({ record, stage }: Before): readonly RecordEvent[] {
  return record === null || stage === "released" ? [] : [leaseChanged("released", record)];
}

function changeTo(stage: Stage, before: Before, record: StoredRecord): RecordEvent | null {
  const isOtherLease = before.record?.lease.fence !== record.lease.fence;
  const isEntered = isOtherLease || before.stage !== stage || before.record?.due !== record.due;
  switch (stage) {
    case "held":
      // The same lease again is one that had lapsed and was extended: nobody else has it.
      return isOtherLease ? leaseChanged("taken-over", record) : null;
    case "lapsed":
      return isEntered ? leaseChanged("lapsed", record) : null;
    case "scheduled":
      return isEntered ? leaseChanged("retry-scheduled", record) : null;
    case "released":
      return isEntered ? leaseChanged("released", record) : null;
    case "unknown":
      return isEntered ? { kind: "outcome-unknown", record } : null;
    case "absent":
    case "ended":
      throw new Error(`bug: ${stage} is no stage of an open record`);
  }
}

function leaseChanged(change: LeaseChange, record: StoredRecord): RecordEvent {
  return { kind: "lease-changed", change, record };
}

/**
 * Progress and checkpoint. Progress is an attempt's own; a checkpoint goes on over attempts, and rises until a reset,
 * after which the same sequence is another checkpoint.
 */
function workSince(before: StoredRecord | null, record: StoredRecord, isNewAttempt: boolean): readonly RecordEvent[] {
  const events: RecordEvent[] = [];
  const toldProgress = isNewAttempt ? null : (before?.progress ?? null);
  if (record.progress !== null && (toldProgress === null || !sameBytes(record.progress, toldProgress))) {
    events.push({ kind: "progress", record });
  }
  const isSameCheckpoint =
    before?.checkpointSequence === record.checkpointSequence && before.checkpointTime === record.checkpointTime;
  if (record.checkpoint !== null && !isSameCheckpoint) events.push({ kind: "checkpoint", record });
  return events;
}
