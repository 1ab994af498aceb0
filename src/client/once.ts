import { type Timestamp, timestampMs } from "@bufbuild/protobuf/wkt";
import type { ClaimRequest, ClaimResponse, Completed } from "../../gen/holdfast/v1/idempotency_pb.ts";
import { type Attempt, type AttemptReason, reasonOf } from "./attempt.ts";
import { decodeResult } from "./body.ts";
import { claimOrNot, type WhenUnavailable } from "./claim-or-not.ts";
import type { Serializer } from "./content.ts";
import { AnswerIncompleteError } from "./errors.ts";
import type { ClaimEvent } from "./hooks.ts";
import { checkTimeoutMs } from "./limits.ts";
import { ExpiredError, FailedError, OutcomeUnknownError } from "./outcome-errors.ts";
import { perform } from "./perform.ts";
import { type ClaimOptions, executeRequest } from "./request.ts";
import type { CachedResult } from "./result-cache.ts";
import type { Answered } from "./retry.ts";
import type { Runtime } from "./runtime.ts";
import { runUnprotected } from "./unprotected.ts";

export interface OnceOptions<T> extends ClaimOptions {
  /** Gives up waiting, or asks the work to stop. The work's end is still told to the server. */
  readonly signal?: AbortSignal;
  /** How long to wait for somebody else's work; never cuts one's own. Default: for ever. */
  readonly timeoutMs?: number;
  /**
   * How long of that for work that somebody else is at, or that is scheduled for later: 0 is to be told at once, by
   * TimeoutError with `lastOutcome` and `retryAfterMs`. Default: all of it.
   */
  readonly waitMs?: number;
  /** `json()`, `bytes()`, `protobuf(Schema)`, or one's own. Default: JSON, and bytes as they are. */
  readonly serializer?: Serializer<T>;
  /**
   * What to do while no server can be reached, or none that reaches its database.
   *
   * "fail-closed", the default: try for the retry policy's total time, and throw. "fail-open": try for the breaker's
   * `failOpenAfterMs`, or not at all while it is open, and then run the work WITHOUT PROTECTION: others may run it at the
   * same time and again, nothing is stored, there is no fence, and the result has `protected: false`. For work that had
   * better be done twice than not at all. Not together with onLeaseExpiry "hold".
   *
   * A server's refusal never fails open, nor does anything that is known of the record: that somebody is at work, an
   * end, an unknown outcome, FINGERPRINT_MISMATCH, a lease of one's own.
   */
  readonly whenUnavailable?: WhenUnavailable;
}

export interface Once<T> {
  /**
   * What the work returned, as it is stored: whoever ran it gets the same as whoever gets the replay, so a Date is a
   * string for both. A fresh object each time.
   */
  readonly value: T;
  /** The work was done by somebody else, or before. */
  readonly replayed: boolean;
  /** The attempt that did it; 0 when not protected. */
  readonly attempt: number;
  /** Why this process did the work; undefined when replayed. */
  readonly reason: AttemptReason | undefined;
  /** False when the work ran although no server could be asked: see `whenUnavailable`. */
  readonly protected: boolean;
}

/** Runs the work, unless it is done; see `Holdfast.once`. */
export async function once<T>(
  runtime: Runtime,
  options: OnceOptions<T>,
  work: (attempt: Attempt) => T | Promise<T>,
): Promise<Once<T>> {
  const { signal, timeoutMs = Number.POSITIVE_INFINITY, waitMs = timeoutMs } = options;
  checkTimeoutMs(timeoutMs);
  checkTimeoutMs(waitMs, "waitMs");
  const whenUnavailable = wordFor(options);
  const request = executeRequest(runtime, options);
  const cached = runtime.cache.get(request);
  if (cached !== undefined) {
    signal?.throwIfAborted();
    return replay(runtime, options, cached, "cache");
  }
  const beganAtMs = runtime.clock.monotonicMs();
  const claimed = await claimOrNot(runtime, request, { timeoutMs, waitMs, signal }, whenUnavailable);
  if ("unavailable" in claimed) return await runUnprotected(runtime, options, claimed.unavailable, work);
  tellClaim(runtime, options, claimed, beganAtMs);
  return await settle(runtime, options, { request, claimed }, work);
}

/** @throws TypeError */
function wordFor<T>({ whenUnavailable = "fail-closed", onLeaseExpiry }: OnceOptions<T>): WhenUnavailable {
  if (whenUnavailable !== "fail-closed" && whenUnavailable !== "fail-open") {
    throw new TypeError('whenUnavailable must be "fail-closed" or "fail-open"');
  }
  if (whenUnavailable === "fail-open" && onLeaseExpiry === "hold") {
    throw new TypeError(
      'whenUnavailable "fail-open" runs work twice, and onLeaseExpiry "hold" is for work that never may',
    );
  }
  return whenUnavailable;
}

async function settle<T>(
  runtime: Runtime,
  options: OnceOptions<T>,
  { request, claimed }: { readonly request: ClaimRequest; readonly claimed: Answered<ClaimResponse> },
  work: (attempt: Attempt) => T | Promise<T>,
): Promise<Once<T>> {
  const { answer, sentAtMs } = claimed;
  const { detail, policyDiffers } = answer;
  if (policyDiffers) runtime.warn({ kind: "policy-differs", scope: options.scope, key: options.key });
  switch (detail.case) {
    case "acquired": {
      const keptMs = policyDiffers ? RETENTION_MS_MIN : options.resultRetentionMs;
      const onStored = (completed: CachedResult) => runtime.cache.put(request, completed, keptMs);
      return await perform(runtime, options, { acquired: detail.value, sentAtMs, onStored }, work);
    }
    case "completed": {
      const { result, attempt } = detail.value;
      if (result === undefined) throw new AnswerIncompleteError("COMPLETED without a result");
      runtime.cache.put(request, { result, attempt }, keptMsOf(detail.value));
      return replay(runtime, options, { result, attempt }, "server");
    }
    case "failed":
      throw new FailedError(detail.value);
    case "outcomeUnknown":
      throw new OutcomeUnknownError(detail.value);
    case "expired":
      throw new ExpiredError(detail.value);
    case "inProgress":
    case "retryScheduled":
      throw new Error("bug: a claim that is not settled");
    case undefined:
      throw new AnswerIncompleteError("a claim without an outcome that this client knows");
  }
}

/** What a server takes at the least: of a record whose policy this client does not know. */
const RETENTION_MS_MIN = 60_000;

/** From its end on, so at most that from now on. Both times are of the database's clock. */
function keptMsOf({ endTime, resultExpireTime }: Completed): number | undefined {
  const ms = (time: Timestamp | undefined) => (time === undefined ? Number.NaN : timestampMs(time));
  const keptMs = ms(resultExpireTime) - ms(endTime);
  return Number.isNaN(keptMs) ? undefined : keptMs;
}

function replay<T>(
  runtime: Runtime,
  { scope, key, serializer }: OnceOptions<T>,
  { result, attempt }: CachedResult,
  source: "server" | "cache",
): Once<T> {
  runtime.tell("onReplay", { scope, key, attempt, source });
  const value = decodeResult<T>(result, serializer, { replayed: true });
  return { value, replayed: true, attempt, reason: undefined, protected: true };
}

function tellClaim<T>(
  { tell, clock }: Runtime,
  { scope, key }: OnceOptions<T>,
  { answer: { detail } }: Answered<ClaimResponse>,
  beganAtMs: number,
): void {
  const outcome = OUTCOMES[detail.case ?? "inProgress"];
  const reason = detail.case === "acquired" ? reasonOf(detail.value) : undefined;
  tell("onClaim", { scope, key, outcome, reason, tookMs: clock.monotonicMs() - beganAtMs });
}

/** A claim that is settled is not in progress, nor scheduled. */
const OUTCOMES = {
  acquired: "acquired",
  completed: "completed",
  failed: "failed",
  outcomeUnknown: "outcome-unknown",
  expired: "expired",
  inProgress: "unspecified",
  retryScheduled: "unspecified",
} as const satisfies Record<NonNullable<ClaimResponse["detail"]["case"]>, ClaimEvent["outcome"]>;
