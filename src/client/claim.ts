import { randomUUID } from "node:crypto";
import type { ClaimRequest, ClaimResponse } from "../../gen/holdfast/v1/idempotency_pb.ts";
import { type ClaimTerms, claimOnce } from "./claim-call.ts";
import { confirm, promotedLease } from "./confirm.ts";
import { TimeoutError } from "./errors.ts";
import { createPace } from "./pace.ts";
import type { Answered } from "./retry.ts";
import { follow, type Runtime } from "./runtime.ts";
import { toHoldfastError } from "./wire-error.ts";

/** How long a caller waits for somebody else's work. */
export interface Waiting {
  /** Until the claim is answered or acquired; never counts the caller's own work. */
  readonly timeoutMs: number;
  readonly signal: AbortSignal | undefined;
}

/**
 * A claim_id that never worked and is told CLAIM_ENDED means a claim that was given back, by the server or by one of its
 * own that came late; once is rare.
 */
const NEW_CLAIM_IDS_MAX = 5;

/**
 * Claims, and waits while somebody else works or a retry is scheduled: the server keeps the claim open until there is
 * something better to say, and the same claim is sent again when it has waited in vain.
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
  const pace = createPace(runtime, clock.monotonicMs() + timeoutMs);
  let last: "in-progress" | "retry-scheduled" | undefined;
  let lastError: unknown;
  const onError = (error: unknown) => {
    lastError = error;
    pace.failed(error);
  };
  try {
    for (;;) {
      const terms = { signal: limit.signal, onError, waitMs: pace.waitMs };
      const answered = await claimAndConfirm(runtime, request, terms);
      const { detail } = answered.answer;
      if (detail.case !== "inProgress" && detail.case !== "retryScheduled") return answered;
      last = detail.case === "inProgress" ? "in-progress" : "retry-scheduled";
      lastError = undefined;
      const pauseMs = pace.pauseMs(answered);
      if (pauseMs > 0) await clock.sleep(pauseMs, limit.signal);
    }
  } catch (error) {
    if (error !== timedOut) throw error;
    throw new TimeoutError(timeoutMs, last, lastError === undefined ? undefined : toHoldfastError(lastError));
  } finally {
    cancelTimeout();
    unfollow();
  }
}

/** One logical claim: the same claim_id over all its tries, another one when what the first acquired was given back. */
async function claimAndConfirm(
  runtime: Runtime,
  request: ClaimRequest,
  terms: ClaimTerms,
): Promise<Answered<ClaimResponse>> {
  for (let ids = 1; ; ids++) {
    const answered = await claimUnlessEnded(runtime, request, terms, ids >= NEW_CLAIM_IDS_MAX);
    const held = answered && promotedLease(answered);
    const known = held === undefined ? answered : await confirm(runtime, request, held, terms);
    if (known !== undefined && (held === undefined || known.answer.detail.case === "acquired")) return known;
    // This claim_id has had its attempt, and whatever came of it is over.
    request.claimId = newClaimId();
    if (known !== undefined) return known;
  }
}

/** Undefined when the claim's attempt has ended before it was heard of. */
async function claimUnlessEnded(
  runtime: Runtime,
  request: ClaimRequest,
  terms: ClaimTerms,
  isLast: boolean,
): Promise<Answered<ClaimResponse> | undefined> {
  try {
    return await claimOnce(runtime, request, terms);
  } catch (error) {
    if (terms.signal.aborted) throw terms.signal.reason;
    const known = toHoldfastError(error);
    if (known.reason !== "CLAIM_ENDED" || isLast) throw known;
    return undefined;
  }
}

export function newClaimId(): string {
  return randomUUID();
}
