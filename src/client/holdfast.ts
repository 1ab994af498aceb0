import { createClient as createRpc, type Transport } from "@connectrpc/connect";
import { IdempotencyService } from "../../gen/holdfast/v1/idempotency_pb.ts";
import type { Attempt } from "./attempt.ts";
import { type BreakerOptions, type BreakerView, createBreaker } from "./breaker.ts";
import { type Clock, systemClock } from "./clock.ts";
import type { Connection } from "./connection.ts";
import { HookFailedError } from "./errors.ts";
import { createTell, type Hooks } from "./hooks.ts";
import { checkText, LIMITS } from "./limits.ts";
import type { Once, OnceOptions } from "./once.ts";
import type { Platform } from "./platform.ts";
import type { Reconciled, ReconcileOptions } from "./reconcile.ts";
import { type CacheOptions, createResultCache, noCache } from "./result-cache.ts";
import { DEFAULT_RETRY, type RetryPolicy } from "./retry.ts";
import { createLifetime, type Rpc, type Runtime, type Warning } from "./runtime.ts";
import { tracedOnce, tracedReconcile } from "./traced-work.ts";
import type { UnknownOutcome, Verdict } from "./verdict.ts";
import type { WaitEvent, WaitTarget } from "./wait-event.ts";
import { type ResultOptions, result, type WaitForOptions, waitFor } from "./wait-for.ts";
import { watchTransport } from "./watched-transport.ts";

/** What a client is told beside where the servers are. */
export interface HoldfastOptions {
  /** Default: the credential's tenant, or "default" on a server without authentication. */
  readonly tenant?: string;
  /** Shown to whoever waits or reconciles. Default: no service, and as the instance on Node this host and process. */
  readonly owner?: { readonly service: string; readonly instance?: string };
  readonly retry?: Partial<RetryPolicy>;
  readonly clock?: Clock;
  /** When servers count as out of reach: see `whenUnavailable` of `once`. */
  readonly breaker?: BreakerOptions;
  /** Keeps results of completed work in this process. Default: none are kept. Needs `tenant`. */
  readonly cache?: CacheOptions;
  /** For metrics and logs. Default: none. */
  readonly hooks?: Hooks;
  /** Must not throw. Default: process.emitWarning or console.warn, for the first of each kind and scope. */
  readonly onWarning?: (warning: Warning) => void;
}

export interface Holdfast extends AsyncDisposable, Disposable {
  /** The typed calls as they are. They throw ConnectError; `toHoldfastError` decodes its reason. */
  readonly rpc: Rpc;
  /** Whether servers were reached lately: as it is now. */
  readonly breaker: BreakerView;
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
   * @throws InvalidInputError · FingerprintMismatchError · FailedError · OutcomeUnknownError · ExpiredError · TimeoutError ·
   * LeaseLostError · ResultConflictError · CompleteFailedError · ResultUnavailableError, and of each reason that a server
   * may have to refuse the claim the error of that name; see docs/clients/errors.md
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

/** @throws HoldfastError FIELD_INVALID */
export function createHoldfast(options: HoldfastOptions, platform: Platform, connection: Connection): Holdfast {
  const runtime = createRuntime(options, platform, connection.transport);
  const { lifetime, rpc, breaker } = runtime;
  const close = async () => {
    await lifetime.close();
    connection.close();
  };

  return {
    rpc,
    get breaker() {
      const { state, failures, retryAfterMs } = breaker;
      return { state, failures, retryAfterMs };
    },
    once: (call, work) => lifetime.run(() => tracedOnce(runtime, call, work)),
    reconcile: (call, judge) => lifetime.run(() => tracedReconcile(runtime, call, judge)),
    waitFor: (targets, call = {}) => waitFor(runtime, targets, call),
    result: (target, call = {}) => lifetime.run(() => result(runtime, target, call)),
    close,
    [Symbol.asyncDispose]: close,
    [Symbol.dispose]: () => void close(),
  };
}

function createRuntime(options: HoldfastOptions, platform: Platform, transport: Transport): Runtime {
  const { tenant = "", owner, retry, clock = systemClock, onWarning = createShowWarning(platform) } = options;
  const { hooks = {}, cache } = options;
  const { service = "", instance = platform.instance() } = owner ?? {};
  checkText("tenant", tenant, LIMITS.tenant);
  checkText("owner.service", service, LIMITS.label);
  checkText("owner.instance", instance, LIMITS.label);
  // Without it nobody knows whose a credential's results are, and the next credential may be another tenant's.
  if (cache !== undefined && tenant === "") throw new TypeError("cache needs the tenant that the client is for");
  const tell = createTell(hooks, (name) => {
    onWarning({ kind: "hook-failed", scope: "", key: "", error: new HookFailedError(name) });
  });
  const breaker = createBreaker(options.breaker ?? {}, clock, (from, to) => tell("onBreaker", { from, to }));
  return {
    rpc: createRpc(IdempotencyService, watchTransport(transport, { breaker, tell, clock })),
    tell,
    breaker,
    cache: cache === undefined ? noCache : createResultCache(cache, clock),
    acquiredFor: { tenant: "" },
    platform,
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
function createShowWarning({ warn }: Platform): (warning: Warning) => void {
  const shown = new Set<string>();
  return ({ kind, scope, error }) => {
    const what = `${kind} (scope ${scope})`;
    if (shown.has(what) || shown.size === SHOWN_WARNINGS_MAX) return;
    shown.add(what);
    const why = error === undefined ? "" : `: ${error.message}`;
    warn(what + why, kind);
  };
}

/** Scopes are few; what would make many of them must not fill the memory or the log. */
const SHOWN_WARNINGS_MAX = 100;
