import type { EventView, RecordView } from "../../../../src/cli/keys/view.ts";

/** 2026-11-27 03:04:00Z, when everything is looked at. */
export const NOW_MS = Date.UTC(2026, 10, 27, 3, 4, 0);

const SECOND_MS = 1000;
export const MINUTE_MS = 60 * SECOND_MS;
export const HOUR_MS = 60 * MINUTE_MS;

/** An instant from now, in seconds. */
export const from = (seconds: number): number => NOW_MS + seconds * SECOND_MS;

export const REACQUIRE: NonNullable<RecordView["policy"]> = {
  hold: false,
  maxAttempts: 0,
  maxExecutionMs: null,
  resultRetentionMs: 24 * HOUR_MS,
};

export const HOLD = { ...REACQUIRE, hold: true };

export function event(kind: string, seconds: number, more: Partial<EventView> = {}): EventView {
  return {
    ...{ kind, timeMs: from(seconds), attempt: 1, owner: "billing/worker-7", late: false, error: null },
    ...{ actor: "", reason: "", auditSequence: "0", traceId: "" },
    ...more,
  };
}

/** A record whose first attempt is at work. */
export function record(more: Partial<RecordView> = {}): RecordView {
  return {
    ...{ scope: "charge", key: "order-17", state: "in-progress", stuck: "", attempt: 1, fence: "42" },
    ...{ owner: "billing/worker-7", externalRef: "", progress: null, checkpoint: null },
    ...{ attemptStartMs: from(-12), leaseExpireMs: from(18), dueMs: null },
    ...{ endMs: null, resultExpireMs: null, tombstoneExpireMs: null, policy: REACQUIRE },
    ...{ unknownReason: "", failReason: "", reconciling: false, hasWaiters: false, error: null },
    ...{ events: [event("claimed", -12)], nowMs: NOW_MS },
    ...more,
  };
}

export const LAPSED = { attemptStartMs: from(-222), leaseExpireMs: from(-192), stuck: "lease-expired" } as const;

export const AVAILABLE = { state: "available", attemptStartMs: from(-40), leaseExpireMs: null } as const;

export const UNKNOWN = {
  ...{ state: "outcome-unknown", policy: HOLD, attemptStartMs: from(-222), leaseExpireMs: null },
  ...{ stuck: "outcome-unknown", unknownReason: "lease-expired" },
  events: [event("claimed", -222), event("lease-expired", -192)],
} as const satisfies Partial<RecordView>;

export const ENDED = {
  ...{ attemptStartMs: from(-300), leaseExpireMs: null, endMs: from(-290) },
  ...{ resultExpireMs: from(86_110), tombstoneExpireMs: from(172_510) },
} as const;

const OPS = { actor: "api-key:ops", reason: "ticket 7", auditSequence: "9" } as const;

const ERROR = { code: 14, message: "the provider was down", details: [] };

/** A record for each thing that its explanation depends on, and what it is called. */
export const CASES: readonly (readonly [string, RecordView])[] = [
  ["held", record()],
  ["held under HOLD", record({ policy: HOLD, hasWaiters: true, externalRef: "pi_123" })],
  ["held, the last attempt", record({ attempt: 3, policy: { ...REACQUIRE, maxAttempts: 3 } })],
  [
    "held, with a longest execution",
    record({
      policy: { ...REACQUIRE, maxExecutionMs: 5 * MINUTE_MS },
      progress: { fraction: 0.4, message: "uploading" },
      checkpoint: { name: "uploaded", sequence: "3" },
    }),
  ],
  ["held by nobody in particular", record({ owner: "" })],
  ["held, the lease over for a moment", record({ attemptStartMs: from(-40), leaseExpireMs: from(-10) })],
  ["held, the lease over for long", record(LAPSED)],
  [
    "held, the lease of the last attempt over",
    record({ ...LAPSED, attempt: 3, policy: { ...REACQUIRE, maxAttempts: 3 } }),
  ],
  [
    "reconciling",
    record({
      ...{ reconciling: true, policy: HOLD },
      events: [event("claimed", -222), event("reconciling", -12, { owner: "auditor/1" })],
    }),
  ],
  [
    "available",
    record({ ...AVAILABLE, dueMs: from(-5), error: ERROR, events: [event("failed-retryable", -5, { error: ERROR })] }),
  ],
  [
    "available later",
    record({ ...AVAILABLE, dueMs: from(120), error: ERROR, policy: { ...REACQUIRE, maxAttempts: 3 } }),
  ],
  ["available and overdue", record({ ...AVAILABLE, dueMs: from(-600), stuck: "overdue" })],
  ["available, nothing begun", record({ ...AVAILABLE, dueMs: from(-5), attempt: 0 })],
  [
    "reset",
    record({
      ...{ ...AVAILABLE, dueMs: from(-5), attempt: 0, policy: null },
      events: [
        event("reset", -5, { attempt: 0, owner: "", actor: "api-key:ops", reason: "ticket 7", auditSequence: "12" }),
      ],
    }),
  ],
  ["unknown by lapse", record({ ...UNKNOWN, externalRef: "pi_123", hasWaiters: true })],
  [
    "unknown as reported",
    record({
      ...{ ...UNKNOWN, unknownReason: "reported", error: ERROR, policy: REACQUIRE },
      events: [event("claimed", -222), event("outcome-unknown", -200, { error: ERROR })],
    }),
  ],
  [
    "unknown after a reconciler",
    record({
      ...UNKNOWN,
      events: [
        event("claimed", -222),
        event("reconciling", -150, { owner: "auditor/1" }),
        event("reconciling", -100, { owner: "auditor/2" }),
        event("lease-expired", -70, { owner: "auditor/2" }),
      ],
    }),
  ],
  [
    "unknown after a release",
    record({
      ...UNKNOWN,
      events: [
        event("claimed", -222),
        event("released", -200, { actor: "api-key:ops", reason: "the pod hangs", auditSequence: "9" }),
      ],
    }),
  ],
  ["unknown after a restore", record({ ...UNKNOWN, unknownReason: "store-restored", events: [] })],
  [
    "completed",
    record({
      ...ENDED,
      state: "completed",
      events: [event("claimed", -300), event("completed", -290, { late: true })],
    }),
  ],
  ["completed without a tombstone", record({ ...ENDED, state: "completed", tombstoneExpireMs: ENDED.resultExpireMs })],
  [
    "completed by an operator",
    record({
      ...{ ...ENDED, state: "completed" },
      events: [
        event("claimed", -322),
        event("resolved", -290, { actor: "api-key:ops", reason: "seen at the bank", auditSequence: "7" }),
      ],
    }),
  ],
  ["failed", record({ ...ENDED, state: "failed", failReason: "reported", error: ERROR })],
  ["failed, attempts used up", record({ ...ENDED, state: "failed", failReason: "max-attempts", attempt: 3 })],
  [
    "failed by an operator",
    record({
      ...{ ...ENDED, state: "failed", failReason: "resolved", error: ERROR },
      events: [event("claimed", -322), event("resolved", -290, { ...OPS, error: ERROR })],
    }),
  ],
  [
    "said not to be done",
    record({
      ...{ ...AVAILABLE, dueMs: from(-5), attempt: 0, policy: HOLD },
      events: [event("claimed", -222), event("resolved", -5, OPS)],
    }),
  ],
  [
    "held, after it was said not to be done",
    record({ policy: HOLD, events: [event("claimed", -222), event("resolved", -30, OPS), event("retried", -12)] }),
  ],
  [
    "completed, after it was said not to be done",
    record({
      ...{ ...ENDED, state: "completed" },
      events: [event("claimed", -600), event("resolved", -400, OPS), event("retried", -300), event("completed", -290)],
    }),
  ],
  [
    "reset, after a verdict of which nothing tells",
    record({
      ...{ ...AVAILABLE, dueMs: from(-5), attempt: 0, policy: null },
      events: [event("resolved", -200, OPS), event("reset", -5, { ...OPS, attempt: 0, reason: "again" })],
    }),
  ],
  [
    "available after a release",
    record({ ...AVAILABLE, dueMs: from(-5), events: [event("claimed", -40), event("released", -5, OPS)] }),
  ],
  [
    "taken over",
    record({
      attempt: 2,
      events: [event("claimed", -90), event("taken-over", -12, { attempt: 2, owner: "billing/worker-8" })],
    }),
  ],
  [
    "expired",
    record({
      ...ENDED,
      state: "expired",
      resultExpireMs: from(-60),
      owner: "",
      events: [event("completed", -290, { owner: "" })],
    }),
  ],
];
