import { durationMs } from "@bufbuild/protobuf/wkt";
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
  /** Until the server's word that somebody else is at it, or that it is too early, is the last. Default: timeoutMs. */
  readonly waitMs?: number | undefined;
  readonly signal: AbortSignal | undefined;
  /** The first claim is sent without a wait, and tried for no longer than this, nor than timeoutMs. */
  readonly first?: {
    readonly totalMs: number;
    /** A server has said something about the record. */
    readonly onAnswer: () => void;
  };
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
  { timeoutMs, waitMs = timeoutMs, signal, first }: Waiting,
): Promise<Answered<ClaimResponse>> {
  const { clock, lifetime } = runtime;
  const limit = new AbortController();
  const timedOut = Symbol("timed out");
  const unfollow = follow(limit, [signal, lifetime.closing]);
  let cancelTimeout = (): void => undefined;
  const endMs = clock.monotonicMs() + timeoutMs;
  const beginTimeout = () => {
    cancelTimeout = clock.after(endMs - clock.monotonicMs(), () => limit.abort(timedOut));
  };
  if (first === undefined) beginTimeout();
  const waitEndMs = clock.monotonicMs() + Math.min(waitMs, timeoutMs);
  const pace = createPace(runtime, waitEndMs);
  let last: "in-progress" | "retry-scheduled" | undefined;
  let lastError: unknown;
  const onError = (error: unknown) => {
    lastError = error;
    pace.failed(error);
  };
  try {
    for (;;) {
      const isFirst = first !== undefined && last === undefined;
      const terms = isFirst ? firstTerms(first, timeoutMs) : { waitMs: pace.waitMs };
      const answered = await claimAndConfirm(runtime, request, { ...terms, signal: limit.signal, onError });
      if (isFirst) beginTimeout();
      const { detail } = answered.answer;
      if (detail.case !== "inProgress" && detail.case !== "retryScheduled") return answered;
      last = detail.case === "inProgress" ? "in-progress" : "retry-scheduled";
      lastError = undefined;
      const pauseMs = pace.pauseMs(answered);
      if (waitMs < timeoutMs && clock.monotonicMs() + pauseMs >= waitEndMs) {
        const { retryAfter } = detail.value;
        throw new TimeoutError(waitMs, last, { retryAfterMs: retryAfter && durationMs(retryAfter) });
      }
      if (pauseMs > 0) await clock.sleep(pauseMs, limit.signal);
    }
  } catch (error) {
    if (error !== timedOut) throw error;
    throw new TimeoutError(timeoutMs, last, {
      cause: lastError === undefined ? undefined : toHoldfastError(lastError),
    });
  } finally {
    cancelTimeout();
    unfollow();
  }
}

function firstTerms({ totalMs, onAnswer }: NonNullable<Waiting["first"]>, timeoutMs: number) {
  return { totalMs: Math.max(1, Math.min(totalMs, timeoutMs)), waitMs: () => 0, onAnswer };
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
    const answered = await claimOnce(runtime, request, terms);
    terms.onAnswer?.();
    return answered;
  } catch (error) {
    if (terms.signal.aborted) throw terms.signal.reason;
    const known = toHoldfastError(error);
    if (known.reason !== "CLAIM_ENDED" || isLast) throw known;
    terms.onAnswer?.();
    return undefined;
  }
}

export function newClaimId(): string {
  return crypto.randomUUID();
}
