import {
  AcquireReason as AcquireReasonProto,
  ClaimIntent,
  ClaimOutcome,
  FailKind,
  FailReason,
  LeaseExpiryPolicy,
  RecordState,
  ReusePolicy,
  UnknownReason,
} from "../../../gen/holdfast/v1/idempotency_pb.ts";
import { Admission as AdmissionProto, TenantHealth as TenantHealthProto } from "../../../gen/holdfast/v1/tenant_pb.ts";
import type { AcquireReason, EndKind, Intent, ObservedKind, Reuse } from "../../domain/calls.ts";
import type { Reason } from "../../domain/record.ts";
import type { Admission, TenantHealth } from "../../domain/tenant.ts";
import type { DerivedState } from "../../operations/derive.ts";

/** From the wire. The numbers that proto3 lets through undeclared were refused by validation. */

export function intentOf(intent: ClaimIntent): Intent {
  return intent === ClaimIntent.RECONCILE ? "reconcile" : "execute";
}

export function reuseOf(reuse: ReusePolicy): Reuse {
  if (reuse === ReusePolicy.REJECT) return "reject";
  return reuse === ReusePolicy.RETRY_FAILED ? "retry-failed" : "replay-all";
}

export function holds(policy: LeaseExpiryPolicy): boolean {
  return policy === LeaseExpiryPolicy.HOLD;
}

const FAIL_KINDS = new Map<FailKind, Exclude<EndKind, "complete">>([
  [FailKind.RETRYABLE, "retryable"],
  [FailKind.TERMINAL, "terminal"],
  [FailKind.OUTCOME_UNKNOWN, "outcome-unknown"],
  [FailKind.NOT_STARTED, "not-started"],
]);

export function failKindOf(kind: FailKind): Exclude<EndKind, "complete"> {
  const known = FAIL_KINDS.get(kind);
  if (known === undefined) throw new Error("bug: validation lets no other kind of fail through");
  return known;
}

export function recordStateOf(state: RecordState): DerivedState {
  const known = DERIVED_STATES.find((candidate) => RECORD_STATES[candidate] === state);
  if (known === undefined) throw new Error("bug: validation lets no other state of a record through");
  return known;
}

/** To the wire. */

export const CLAIM_OUTCOMES = {
  acquired: ClaimOutcome.ACQUIRED,
  "in-progress": ClaimOutcome.IN_PROGRESS,
  completed: ClaimOutcome.COMPLETED,
  failed: ClaimOutcome.FAILED,
  "retry-scheduled": ClaimOutcome.RETRY_SCHEDULED,
  "outcome-unknown": ClaimOutcome.OUTCOME_UNKNOWN,
  expired: ClaimOutcome.EXPIRED,
} as const satisfies Record<"acquired" | ObservedKind, ClaimOutcome>;

export const ACQUIRE_REASONS = {
  new: AcquireReasonProto.NEW,
  reattached: AcquireReasonProto.REATTACHED,
  takeover: AcquireReasonProto.TAKEOVER,
  retry: AcquireReasonProto.RETRY,
  reconcile: AcquireReasonProto.RECONCILE,
} as const satisfies Record<AcquireReason, AcquireReasonProto>;

export const RECORD_STATES = {
  "in-progress": RecordState.IN_PROGRESS,
  available: RecordState.AVAILABLE,
  completed: RecordState.COMPLETED,
  failed: RecordState.FAILED,
  "outcome-unknown": RecordState.OUTCOME_UNKNOWN,
  expired: RecordState.EXPIRED,
} as const satisfies Record<DerivedState, RecordState>;

const DERIVED_STATES = Object.keys(RECORD_STATES) as readonly DerivedState[];

export const TENANT_HEALTHS = {
  pending: TenantHealthProto.PENDING,
  healthy: TenantHealthProto.HEALTHY,
  unverified: TenantHealthProto.UNVERIFIED,
  disabled: TenantHealthProto.DISABLED,
} as const satisfies Record<TenantHealth, TenantHealthProto>;

export const ADMISSIONS = {
  admit: AdmissionProto.ADMIT,
  "admit-degraded": AdmissionProto.ADMIT_DEGRADED,
  "retry-later": AdmissionProto.RETRY_LATER,
  refuse: AdmissionProto.REFUSE,
} as const satisfies Record<Admission, AdmissionProto>;

const FAIL_REASONS = {
  reported: FailReason.REPORTED,
  "max-attempts": FailReason.MAX_ATTEMPTS,
  resolved: FailReason.RESOLVED,
  "lease-expired": null,
  "store-restored": null,
} as const satisfies Record<Reason, FailReason | null>;

const UNKNOWN_REASONS = {
  "lease-expired": UnknownReason.LEASE_EXPIRED,
  reported: UnknownReason.REPORTED,
  "store-restored": UnknownReason.STORE_RESTORED,
  "max-attempts": null,
  resolved: null,
} as const satisfies Record<Reason, UnknownReason | null>;

export function failReason(reason: Reason | null): FailReason {
  const known = reason === null ? null : FAIL_REASONS[reason];
  if (known === null) throw new Error(`bug: a record does not fail by ${reason}`);
  return known;
}

/** Null is unknown by lapse: nobody has written down why yet. */
export function unknownReason(reason: Reason | null): UnknownReason {
  const known = UNKNOWN_REASONS[reason ?? "lease-expired"];
  if (known === null) throw new Error(`bug: an outcome is not unknown by ${reason}`);
  return known;
}

export function leaseExpiryPolicy(hold: boolean): LeaseExpiryPolicy {
  return hold ? LeaseExpiryPolicy.HOLD : LeaseExpiryPolicy.REACQUIRE;
}
