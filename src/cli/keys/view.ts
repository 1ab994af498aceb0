import type { OwnerJson, ProgressJson, RecordEventJson, StatusJson, TimelineJson } from "../../rpc/wire/record-json.ts";

export const STATES = ["in-progress", "available", "completed", "failed", "outcome-unknown", "expired"] as const;

export type State = (typeof STATES)[number];

/** As a list has them: a record that a reconciler holds has a word of its own. */
export const LISTED_STATES = [...STATES, "reconciling"] as const;

export type ListedState = (typeof LISTED_STATES)[number];

/** A record and its past, in the words and numbers that its explanation is made of. Times are milliseconds since 1970. */
export interface RecordView {
  readonly scope: string;
  readonly key: string;
  readonly state: State;
  /** Empty: it is not. */
  readonly stuck: "outcome-unknown" | "lease-expired" | "overdue" | "";
  readonly attempt: number;
  readonly fence: string;
  /** Empty: not known. */
  readonly owner: string;
  readonly externalRef: string;
  readonly progress: ProgressJson | null;
  readonly checkpoint: { readonly name: string; readonly sequence: string } | null;
  readonly attemptStartMs: number | null;
  readonly leaseExpireMs: number | null;
  readonly dueMs: number | null;
  readonly endMs: number | null;
  readonly resultExpireMs: number | null;
  readonly tombstoneExpireMs: number | null;
  /** Null: a reset has unbound it. */
  readonly policy: PolicyView | null;
  readonly unknownReason: "lease-expired" | "reported" | "store-restored" | "";
  readonly failReason: "reported" | "max-attempts" | "resolved" | "";
  readonly reconciling: boolean;
  readonly hasWaiters: boolean;
  readonly error: StatusJson | null;
  readonly events: readonly EventView[];
  /** The database's clock. */
  readonly nowMs: number;
}

export interface PolicyView {
  readonly hold: boolean;
  /** 0: no limit. */
  readonly maxAttempts: number;
  readonly maxExecutionMs: number | null;
  readonly resultRetentionMs: number;
}

export interface EventView {
  /** As RecordEventKind has it: "taken-over". */
  readonly kind: string;
  readonly timeMs: number | null;
  readonly attempt: number;
  readonly owner: string;
  readonly late: boolean;
  readonly error: StatusJson | null;
  readonly actor: string;
  readonly reason: string;
  readonly auditSequence: string;
  readonly traceId: string;
}

export function viewTimeline(timeline: TimelineJson): RecordView {
  const { record, events, stuck, error } = timeline;
  if (record === undefined) throw new Error("the server answered without a record");
  return {
    scope: record.key.scope,
    key: record.key.key,
    state: word("RECORD_STATE_", record.state) as State,
    stuck: word("STUCK_REASON_", stuck) as RecordView["stuck"],
    attempt: record.attempt,
    fence: record.fence,
    owner: ownerText(record.owner),
    externalRef: record.externalRef,
    progress: record.progress ?? null,
    checkpoint: record.checkpoint ?? null,
    attemptStartMs: timeMs(record.attemptStartTime),
    leaseExpireMs: timeMs(record.leaseExpireTime),
    dueMs: timeMs(record.dueTime),
    endMs: timeMs(record.endTime),
    resultExpireMs: timeMs(record.resultExpireTime),
    tombstoneExpireMs: timeMs(record.tombstoneExpireTime),
    policy: record.policy === undefined ? null : viewPolicy(record.policy),
    unknownReason: word("UNKNOWN_REASON_", record.unknownReason) as RecordView["unknownReason"],
    failReason: word("FAIL_REASON_", record.failReason) as RecordView["failReason"],
    reconciling: record.reconciling,
    hasWaiters: record.hasWaiters,
    error: error ?? null,
    events: events.map(viewEvent),
    nowMs: timeMs(timeline.readTime) ?? 0,
  };
}

/** As flags have it: RECORD_STATE_OUTCOME_UNKNOWN is outcome-unknown, what is not specified is empty. */
export function word(prefix: string, name: string): string {
  const rest = name.replace(prefix, "").toLowerCase().replaceAll("_", "-");
  return rest === "unspecified" ? "" : rest;
}

/** `billing/worker-7`; either part may be missing. */
export function ownerText(owner: OwnerJson | undefined): string {
  return [owner?.service, owner?.instance].filter((part) => part !== undefined && part !== "").join("/");
}

/** Null for a time that is not set. */
export function timeMs(time: string | undefined): number | null {
  return time === undefined ? null : Date.parse(time);
}

function viewPolicy(policy: NonNullable<NonNullable<TimelineJson["record"]>["policy"]>): PolicyView {
  return {
    hold: policy.onLeaseExpiry === "LEASE_EXPIRY_POLICY_HOLD",
    maxAttempts: policy.maxAttempts,
    maxExecutionMs: policy.maxExecution === undefined ? null : durationMs(policy.maxExecution),
    resultRetentionMs: durationMs(policy.resultRetention ?? "0s"),
  };
}

/** Durations in proto JSON are seconds: "86400s". */
function durationMs(duration: string): number {
  return Number.parseFloat(duration) * 1000;
}

function viewEvent(event: RecordEventJson): EventView {
  const { attempt, late, actor, reason, auditSequence, traceId } = event;
  return {
    ...{ attempt, late, actor, reason, auditSequence, traceId },
    kind: word("RECORD_EVENT_KIND_", event.kind),
    timeMs: timeMs(event.time),
    owner: ownerText(event.owner),
    error: event.error ?? null,
  };
}
