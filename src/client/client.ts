import { hostname } from "node:os";
import { createClient as createRpc } from "@connectrpc/connect";
import { IdempotencyService } from "../../gen/holdfast/v1/idempotency_pb.ts";
import type { Attempt } from "./attempt.ts";
import { type Clock, systemClock } from "./clock.ts";
import { type ConnectionOptions, openConnection } from "./connection.ts";
import { checkText, LIMITS } from "./limits.ts";
import type { Once, OnceOptions } from "./once.ts";
import type { Reconciled, ReconcileOptions } from "./reconcile.ts";
import { DEFAULT_RETRY, type RetryPolicy } from "./retry.ts";
import { createLifetime, type Rpc, type Runtime, type Warning } from "./runtime.ts";
import { tracedOnce, tracedReconcile } from "./traced-work.ts";
import type { UnknownOutcome, Verdict } from "./verdict.ts";
import type { WaitEvent, WaitTarget } from "./wait-event.ts";
import { type ResultOptions, result, type WaitForOptions, waitFor } from "./wait-for.ts";

export type { Attempt, AttemptReason } from "./attempt.ts";
export type { Clock } from "./clock.ts";
export type { ConnectionOptions } from "./connection.ts";
export type { CheckpointView, Serializer } from "./content.ts";
export type { Token } from "./credentials.ts";
// biome-ignore lint/performance/noBarrelFile: a package has one entry, and what its users must name goes through it.
export {
  CompleteFailedError,
  FingerprintMismatchError,
  HoldfastError,
  LeaseLostError,
  type LeaseLostWhy,
  ResultConflictError,
  TimeoutError,
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
export { canonicalJson, type Fingerprint, fingerprint } from "./fingerprint.ts";
export { createGrpcTransport, type GrpcTransport, type GrpcTransportOptions } from "./grpc-transport.ts";
export type { Once, OnceOptions } from "./once.ts";
export {
  ExpiredError,
  FailedError,
  OutcomeUnknownError,
  type ResultOrigin,
  ResultUnavailableError,
  type UnknownEvidence,
} from "./outcome-errors.ts";
export { type KeyFormat, providerKey } from "./provider-key.ts";
export type { Reconciled, ReconcileOptions } from "./reconcile.ts";
export type { OwnerView, ProgressView, RecordView, RecordViewState } from "./record-view.ts";
export type { ClaimOptions, RecordName } from "./request.ts";
export type { RetryPolicy } from "./retry.ts";
export type { Rpc, Warning } from "./runtime.ts";
export type { TlsOptions } from "./tls.ts";
export type { UnknownOutcome, Verdict } from "./verdict.ts";
export type { LeaseChange, WaitEnd, WaitEvent, WaitTarget } from "./wait-event.ts";
export type { ResultOptions, WaitForOptions } from "./wait-for.ts";
export { toHoldfastError } from "./wire-error.ts";

export interface ClientOptions extends ConnectionOptions {
  /** Default: the credential's tenant, or "default" on a server without authentication. */
  readonly tenant?: string;
  /** Shown to whoever waits or reconciles. Default: no service, and this host and process as the instance. */
  readonly owner?: { readonly service: string; readonly instance?: string };
  readonly retry?: Partial<RetryPolicy>;
  readonly clock?: Clock;
  /** Must not throw. Default: process.emitWarning, for the first of each kind and scope. */
  readonly onWarning?: (warning: Warning) => void;
}

export interface Holdfast extends AsyncDisposable, Disposable {
  /** The typed calls as they are. They throw ConnectError; `toHoldfastError` decodes its reason. */
  readonly rpc: Rpc;
  /**
   * Does a piece of work once: runs it if nobody has, waits for whoever is at it, or returns what it returned before.
   * Who waits has one call open at a server, which answers it when the result is there; when the holder dies, or gives
   * up, one of those who wait does the work.
   *
   * What the work throws is thrown, and told to the server: see `retryable`, `terminal`, `outcomeUnknown`, `notStarted`.
   * An error without such a word counts as retryable, or with onLeaseExpiry "hold" as an unknown outcome, just as a
   * crash at that point would. The work is not run again by itself: whoever calls next does that.
   *
   * At most one attempt holds the record at a time, and one result is stored, whatever crashes. A side effect outside
   * happens once only if its target checks `attempt.fence`, or with "hold" and a reconciler.
   *
   * @throws TypeError · FingerprintMismatchError · FailedError · OutcomeUnknownError · ExpiredError · TimeoutError ·
   * LeaseLostError · ResultConflictError · CompleteFailedError · ResultUnavailableError · HoldfastError
   */
  once<T>(options: OnceOptions<T>, work: (attempt: Attempt) => T | Promise<T>): Promise<Once<T>>;
  /**
   * Finds out what became of a record whose outcome is unknown. The judge is called if the outcome is unknown still and
   * nobody else reconciles it; what there is to say otherwise is what this resolves to.
   */
  reconcile<T>(
    options: ReconcileOptions<T>,
    judge: (unknown: UnknownOutcome) => Promise<Verdict<T>>,
  ): Promise<Reconciled<T>>;
  /**
   * Observes 1 to 100 records until they have ended, and never does their work. For each of them, first the record as
   * it is, then what changes, then its end, which is a value also if it is a failure. A record that is not there yet is
   * waited for. An unknown outcome is told, and is not the end.
   *
   * The stream is renewed by itself over lost connections, servers that go, and time: what was told before is not
   * told again. Changes that follow each other faster than they are read are told as the newest of them. Nothing is
   * sent before the first event is asked for; leaving the loop cancels what is left.
   *
   * @example
   * for await (const event of holdfast.waitFor([{ scope: "charge", key: order.id }])) {
   *   if (event.kind === "progress") console.log(event.progress.fraction);
   *   if (event.kind === "ended" && event.end.kind === "completed") console.log(event.end.value);
   * }
   *
   * @throws TypeError or HoldfastError FIELD_INVALID at once, for targets that no server would take; from the iterator
   * TimeoutError, the signal's reason, FingerprintMismatchError, or HoldfastError: RECORD_NOT_FOUND with `mustExist`,
   * CLOSED, or what kept the server from answering for the retry policy's total time
   */
  waitFor<T = unknown>(
    targets: readonly WaitTarget[],
    options?: WaitForOptions<T>,
  ): AsyncGenerator<WaitEvent<T>, void, undefined>;
  /**
   * Waits until a record has ended, as `waitFor` does, and returns its result as a replay would.
   *
   * @throws FailedError · ExpiredError · ResultUnavailableError, and what `waitFor` throws
   */
  result<T = unknown>(target: WaitTarget, options?: ResultOptions<T>): Promise<T>;
  /** Ends waiting calls, aborts the signals of running attempts, waits for their ends to be stored, disconnects. */
  close(): Promise<void>;
}

/** @throws TypeError for options that contradict each other, or would show a credential to whoever listens. */
export function createClient(options: ClientOptions): Holdfast {
  const connection = openConnection(options, options.clock ?? systemClock);
  const rpc = createRpc(IdempotencyService, connection.transport);
  const runtime = createRuntime(options, rpc);
  const { lifetime } = runtime;
  const close = async () => {
    await lifetime.close();
    connection.close();
  };

  return {
    rpc,
    once: (call, work) => lifetime.run(() => tracedOnce(runtime, call, work)),
    reconcile: (call, judge) => lifetime.run(() => tracedReconcile(runtime, call, judge)),
    waitFor: (targets, call = {}) => waitFor(runtime, targets, call),
    result: (target, call = {}) => lifetime.run(() => result(runtime, target, call)),
    close,
    [Symbol.asyncDispose]: close,
    [Symbol.dispose]: () => void close(),
  };
}

function createRuntime(options: ClientOptions, rpc: Rpc): Runtime {
  const { tenant = "", owner, retry, clock = systemClock, onWarning = createEmitWarning() } = options;
  const { service = "", instance = `${hostname()}:${process.pid}` } = owner ?? {};
  checkText("tenant", tenant, LIMITS.tenant);
  checkText("owner.service", service, LIMITS.label);
  checkText("owner.instance", instance, LIMITS.label);
  return {
    rpc,
    tenant,
    owner: { service, instance },
    retry: { ...DEFAULT_RETRY, ...retry },
    clock,
    random: Math.random,
    warn: onWarning,
    lifetime: createLifetime(),
  };
}

/** Only the first of each kind and scope, and no key: keys may be personal, and this ends in a log. */
function createEmitWarning(): (warning: Warning) => void {
  const emitted = new Set<string>();
  return ({ kind, scope, error }) => {
    const what = `${kind} (scope ${scope})`;
    if (emitted.has(what) || emitted.size === EMITTED_WARNINGS_MAX) return;
    emitted.add(what);
    const why = error === undefined ? "" : `: ${error.message}`;
    process.emitWarning(what + why, { type: "HoldfastWarning", code: kind });
  };
}

/** Scopes are few; what would make many of them must not fill the memory or the log. */
const EMITTED_WARNINGS_MAX = 100;
