import { randomUUID } from "node:crypto";
import { type Duration, durationMs } from "@bufbuild/protobuf/wkt";
import type { ClaimRequest, ClaimResponse } from "../../gen/holdfast/v1/idempotency_pb.ts";
import { TimeoutError } from "./errors.ts";
import { giveBack } from "./give-back.ts";
import { type Answered, retrying } from "./retry.ts";
import { follow, type Runtime } from "./runtime.ts";
import { mayHaveTakenEffect, toHoldfastError } from "./wire-error.ts";

/** How long a caller waits for somebody else's work. */
export interface Waiting {
  /** Until the claim is answered or acquired; never counts the caller's own work. */
  readonly timeoutMs: number;
  readonly signal: AbortSignal | undefined;
}

/**
 * The first delay before asking again whether somebody else is done. It doubles up to the server's retry_after, which
 * is what is left of the lease: most work is much shorter than its lease.
 */
const ASK_AGAIN_MS = 100;
/** A lease about to end has next to nothing left. */
const ASK_AGAIN_MS_MIN = 10;
/** A claim_id that never held the lease and is told CLAIM_ENDED means a claim that was given back; once is rare. */
const NEW_CLAIM_IDS_MAX = 5;

/**
 * Claims, and asks again while somebody else works or a retry is scheduled.
 *
 * @throws TimeoutError, the signal's reason, or the HoldfastError of the claim.
 */
export async function claimUntilSettled(
  runtime: Runtime,
  request: ClaimRequest,
  { timeoutMs, signal }: Waiting,
): Promise<Answered<ClaimResponse>> {
  const { clock, lifetime } = runtime;
  const limit = new AbortController();
  const timedOut = Symbol("timed out");
  const unfollow = follow(limit, [signal, lifetime.closing]);
  const cancelTimeout = clock.after(timeoutMs, () => limit.abort(timedOut));
  let last: "in-progress" | "retry-scheduled" | undefined;
  let lastError: unknown;
  const note = (error: unknown) => {
    lastError = error;
  };
  try {
    for (let asked = 0; ; asked++) {
      const answered = await claimAfresh(runtime, request, limit.signal, note);
      const { detail } = answered.answer;
      if (detail.case !== "inProgress" && detail.case !== "retryScheduled") return answered;
      last = detail.case === "inProgress" ? "in-progress" : "retry-scheduled";
      lastError = undefined;
      const retryAfterMs = millis(detail.value.retryAfter);
      await clock.sleep(askAgainMs(runtime, last, retryAfterMs, asked), limit.signal);
    }
  } catch (error) {
    if (error !== timedOut) throw error;
    throw new TimeoutError(timeoutMs, last, lastError === undefined ? undefined : toHoldfastError(lastError));
  } finally {
    cancelTimeout();
    unfollow();
  }
}

/** One logical claim: the same claim_id over all its tries, another one when the first has been given back. */
async function claimAfresh(
  runtime: Runtime,
  request: ClaimRequest,
  signal: AbortSignal,
  onError: (error: unknown) => void,
): Promise<Answered<ClaimResponse>> {
  for (let ids = 1; ; ids++) {
    try {
      return await claimOnce(runtime, request, signal, onError);
    } catch (error) {
      if (signal.aborted) throw signal.reason;
      const known = toHoldfastError(error);
      if (known.reason !== "CLAIM_ENDED" || ids === NEW_CLAIM_IDS_MAX) throw known;
      request.claimId = newClaimId();
    }
  }
}

/**
 * One claim_id. A caller who gives up while a claim is under way may have become the holder without hearing of it, and
 * under HOLD nobody could go on; so the claim is not cancelled, and if it acquires, heard of or not, the lease is given
 * back.
 *
 * @throws what `retrying` throws
 */
export async function claimOnce(
  runtime: Runtime,
  request: ClaimRequest,
  signal: AbortSignal,
  onError: (error: unknown) => void = () => undefined,
): Promise<Answered<ClaimResponse>> {
  const giveUpAtMs = runtime.clock.monotonicMs() + runtime.retry.totalTimeoutMs;
  // The request is copied: its claim_id may be replaced while a given-up call is still being repeated.
  const sent = { ...request };
  let lost: unknown;
  const note = (error: unknown) => {
    if (mayHaveTakenEffect(error)) lost = error;
    onError(error);
  };
  const bounds = { giveUpAtMs, signal, onError: note };
  const claiming = retrying(runtime, bounds, (options) => runtime.rpc.claim(sent, options));
  const answered = await untilAborted(claiming, signal);
  if (answered !== undefined) return answered;
  runtime.lifetime.keep(giveBack(runtime, { request: sent, claiming, lostAnswer: () => lost }));
  throw signal.reason;
}

export function newClaimId(): string {
  return randomUUID();
}

/** Undefined when the signal comes first. */
function untilAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T | undefined> {
  return new Promise((resolve, reject) => {
    const onAbort = () => resolve(undefined);
    if (signal.aborted) onAbort();
    signal.addEventListener("abort", onAbort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener("abort", onAbort));
  });
}

function askAgainMs({ random }: Runtime, last: string, retryAfterMs: number, asked: number): number {
  // A due time is known, and nothing changes before it; the server has spread its callers already.
  if (last === "retry-scheduled") return Math.max(ASK_AGAIN_MS_MIN, retryAfterMs);
  const growingMs = ASK_AGAIN_MS * 2 ** Math.min(asked, 30);
  return Math.max(ASK_AGAIN_MS_MIN, Math.min(retryAfterMs, growingMs) * (0.5 + random() / 2));
}

function millis(duration: Duration | undefined): number {
  return duration === undefined ? 0 : durationMs(duration);
}
