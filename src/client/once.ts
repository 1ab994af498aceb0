import type { Acquired, Result } from "../../gen/holdfast/v1/idempotency_pb.ts";
import { type Attempt, type AttemptReason, createAttempt } from "./attempt.ts";
import { decodeResult, encodeResult, omittedResult } from "./body.ts";
import { claimUntilSettled } from "./claim.ts";
import type { Serializer } from "./content.ts";
import { sendComplete, sendFail } from "./ends.ts";
import { CompleteFailedError, HoldfastError, LeaseLostError, ResultConflictError } from "./errors.ts";
import { AttemptFailure, classify } from "./failure.ts";
import { HeldLease } from "./lease.ts";
import { checkTimeoutMs } from "./limits.ts";
import { ExpiredError, FailedError, OutcomeUnknownError } from "./outcome-errors.ts";
import { type ClaimOptions, executeRequest } from "./request.ts";
import type { Runtime } from "./runtime.ts";
import { toHoldfastError } from "./wire-error.ts";

export interface OnceOptions<T> extends ClaimOptions {
  /** Gives up waiting, or asks the work to stop. The work's end is still told to the server. */
  readonly signal?: AbortSignal;
  /** How long to wait for somebody else's work; never cuts one's own. Default: for ever. */
  readonly timeoutMs?: number;
  /** Default: JSON, and bytes as they are. */
  readonly serializer?: Serializer<T>;
}

export interface Once<T> {
  /**
   * What the work returned, as it is stored: whoever ran it gets the same as whoever gets the replay, so a Date is a
   * string for both. A fresh object each time.
   */
  readonly value: T;
  /** The work was done by somebody else, or before. */
  readonly replayed: boolean;
  /** The attempt that did it. */
  readonly attempt: number;
  /** Why this process did the work; undefined when replayed. */
  readonly reason: AttemptReason | undefined;
}

/** Runs the work, unless it is done; see `Holdfast.once`. */
export async function once<T>(
  runtime: Runtime,
  options: OnceOptions<T>,
  work: (attempt: Attempt) => T | Promise<T>,
): Promise<Once<T>> {
  const { signal, timeoutMs = Number.POSITIVE_INFINITY, serializer } = options;
  checkTimeoutMs(timeoutMs);
  const request = executeRequest(runtime, options);
  const { answer, sentAtMs } = await claimUntilSettled(runtime, request, { timeoutMs, signal });
  if (answer.policyDiffers) runtime.warn({ kind: "policy-differs", scope: options.scope, key: options.key });
  const { detail } = answer;
  switch (detail.case) {
    case "acquired":
      return await perform(runtime, options, { acquired: detail.value, sentAtMs }, work);
    case "completed": {
      const { result, attempt } = detail.value;
      if (result === undefined) throw incomplete("COMPLETED without a result");
      return {
        value: decodeResult<T>(result, serializer, { replayed: true }),
        replayed: true,
        attempt,
        reason: undefined,
      };
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
      throw incomplete("a claim without an outcome that this client knows");
  }
}

async function perform<T>(
  runtime: Runtime,
  options: OnceOptions<T>,
  { acquired, sentAtMs }: { readonly acquired: Acquired; readonly sentAtMs: number },
  work: (attempt: Attempt) => T | Promise<T>,
): Promise<Once<T>> {
  const { scope, key, leaseMs, signal, serializer } = options;
  const signals = [signal, runtime.lifetime.closing];
  const lease = new HeldLease(runtime, acquired, { scope, key, leaseMs, sentAtMs, signals });
  const attempt = createAttempt(lease, acquired);
  try {
    const value = await runWork(runtime, options, lease, () => work(attempt));
    const encoded = encodeResult(value, serializer);
    const result = await store(runtime, lease, value, encoded.result);
    const own = { replayed: false, value, cause: encoded.cause };
    return {
      value: decodeResult<T>(result, serializer, own),
      replayed: false,
      attempt: attempt.number,
      reason: attempt.reason,
    };
  } finally {
    lease.end();
  }
}

/** Throws what the work threw, after having told the server what it means. */
async function runWork<T>(
  runtime: Runtime,
  { scope, key, onLeaseExpiry = "reacquire" }: OnceOptions<T>,
  lease: HeldLease,
  work: () => T | Promise<T>,
): Promise<T> {
  try {
    return await work();
  } catch (thrown) {
    try {
      await sendFail(runtime, lease.handle, classify(thrown, onLeaseExpiry));
    } catch (error) {
      // Another attempt's record by now: what this one threw matters to its caller alone.
      if (!(error instanceof LeaseLostError)) {
        runtime.warn({ kind: "fail-not-stored", scope, key, error: toHoldfastError(error) });
      }
    }
    throw thrown instanceof AttemptFailure ? thrown.cause : thrown;
  }
}

/** What was stored, which is the reason for its absence when the server's limit is lower than the client's. */
async function store(runtime: Runtime, lease: HeldLease, value: unknown, result: Result): Promise<Result> {
  try {
    await sendComplete(runtime, lease.handle, result);
    return result;
  } catch (error) {
    const known = toHoldfastError(error);
    if (known.reason === "RESULT_TOO_LARGE" && result.body.case === "inline") {
      return await store(runtime, lease, value, omittedResult("the result is over the server's limit"));
    }
    if (known instanceof LeaseLostError || known instanceof ResultConflictError) throw known;
    throw new CompleteFailedError(value, `the work is done, but not known to be stored: ${known.message}`, known);
  }
}

function incomplete(what: string): HoldfastError {
  return new HoldfastError(`the server answered ${what}`, { reason: "ANSWER_INCOMPLETE" });
}
