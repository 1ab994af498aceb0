// The names that every entry of the client has.
export type { Attempt, AttemptReason } from "./attempt.ts";
export type { BreakerOptions, BreakerState, BreakerView } from "./breaker.ts";
export type { WhenUnavailable } from "./claim-or-not.ts";
export type { Clock } from "./clock.ts";
export type { CheckpointView, Serializer } from "./content.ts";
export type { Token } from "./credentials.ts";
// biome-ignore lint/performance/noBarrelFile: what users of the package must name, for both of its entries.
export {
  AnswerIncompleteError,
  AttemptEndedError,
  CircuitOpenError,
  ClosedError,
  CompleteFailedError,
  FingerprintMismatchError,
  HoldfastError,
  HookFailedError,
  LeaseLostError,
  type LeaseLostWhy,
  ResultConflictError,
  TimeoutError,
  TokenUnavailableError,
  TransportError,
  UnprotectedError,
  type Violation,
} from "./errors.ts";
export {
  type AttemptFailure,
  type FailureDetail,
  type FailureKind,
  notStarted,
  outcomeUnknown,
  retryable,
  terminal,
} from "./failure.ts";
export { canonicalJson, type Fingerprint } from "./fingerprint.ts";
export type { Holdfast, HoldfastOptions } from "./holdfast.ts";
export type {
  BreakerEvent,
  CallEvent,
  ClaimEvent,
  Hooks,
  LeaseLostEvent,
  ReplayEvent,
  UnprotectedEvent,
  WorkEndEvent,
} from "./hooks.ts";
export type { Statement } from "./in-transaction.ts";
export type { Once, OnceOptions } from "./once.ts";
export {
  ExpiredError,
  FailedError,
  OutcomeUnknownError,
  type ResultOrigin,
  ResultUnavailableError,
  type UnknownEvidence,
} from "./outcome-errors.ts";
export type { KeyFormat } from "./provider-key.ts";
// biome-ignore lint/performance/noReExportAll: a class for each reason, all of which users may name.
export * from "./reason-errors.ts";
export type { Reconciled, ReconcileOptions } from "./reconcile.ts";
export type { OwnerView, ProgressView, RecordView, RecordViewState } from "./record-view.ts";
export type { ClaimOptions, RecordName } from "./request.ts";
export type { CacheOptions } from "./result-cache.ts";
export type { RetryPolicy } from "./retry.ts";
export type { Rpc, Warning } from "./runtime.ts";
export { bytes, json, protobuf, type StrictSerializer } from "./serializers.ts";
export { InvalidInputError, NotSerializableError } from "./unrepresentable.ts";
export type { UnknownOutcome, Verdict } from "./verdict.ts";
export type { LeaseChange, WaitEnd, WaitEvent, WaitTarget } from "./wait-event.ts";
export type { ResultOptions, WaitForOptions } from "./wait-for.ts";
export { toHoldfastError } from "./wire-error.ts";
