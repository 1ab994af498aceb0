import type { Acquired, Result } from "../../gen/holdfast/v1/idempotency_pb.ts";
import { type Attempt, createAttempt } from "./attempt.ts";
import { decodeResult, encodeResult, omittedResult } from "./body.ts";
import { sendComplete, sendFail } from "./ends.ts";
import { CompleteFailedError, LeaseLostError, ResultConflictError } from "./errors.ts";
import { AttemptFailure, classify, type FailureKind } from "./failure.ts";
import type { WorkEndEvent } from "./hooks.ts";
import { HeldLease } from "./lease.ts";
import type { Once, OnceOptions } from "./once.ts";
import type { CachedResult } from "./result-cache.ts";
import type { Runtime } from "./runtime.ts";
import { toHoldfastError } from "./wire-error.ts";

/** A claim that was answered with the lease. */
export interface Claimed {
  readonly acquired: Acquired;
  readonly sentAtMs: number;
  /** Told of the result that the server has stored. */
  readonly onStored: (completed: CachedResult) => void;
}

/** Runs the work under the lease, and tells the server what came of it. */
export async function perform<T>(
  runtime: Runtime,
  options: OnceOptions<T>,
  { acquired, sentAtMs, onStored }: Claimed,
  work: (attempt: Attempt) => T | Promise<T>,
): Promise<Once<T>> {
  const { scope, key, leaseMs, signal, serializer } = options;
  const signals = [signal, runtime.lifetime.closing];
  const beganAtMs = runtime.clock.monotonicMs();
  const lease = new HeldLease(runtime, acquired, { scope, key, leaseMs, sentAtMs, signals });
  const attempt = createAttempt(runtime.platform, lease, acquired);
  runtime.acquiredFor.tenant = lease.handle.key?.tenant ?? "";
  const tellEnd = (end: WorkEndEvent["end"]) => {
    const tookMs = runtime.clock.monotonicMs() - beganAtMs;
    runtime.tell("onWorkEnd", { scope, key, end, attempt: attempt.number, tookMs });
  };
  try {
    const value = await runWork(runtime, options, { lease, tellEnd }, () => work(attempt));
    const encoded = encodeResult(value, serializer);
    const result = await store(runtime, lease, value, encoded.result).catch((error: unknown) => {
      tellEnd("unstored");
      throw error;
    });
    tellEnd("completed");
    onStored({ result, attempt: attempt.number });
    const own = { replayed: false, value, cause: encoded.cause };
    return {
      value: decodeResult<T>(result, serializer, own),
      replayed: false,
      attempt: attempt.number,
      reason: attempt.reason,
      protected: true,
    };
  } finally {
    lease.end();
  }
}

/** Throws what the work threw, after having told the server what it means. */
async function runWork<T>(
  runtime: Runtime,
  { scope, key, onLeaseExpiry = "reacquire" }: OnceOptions<T>,
  { lease, tellEnd }: { readonly lease: HeldLease; readonly tellEnd: (end: FailureKind) => void },
  work: () => T | Promise<T>,
): Promise<T> {
  try {
    return await work();
  } catch (thrown) {
    const failure = classify(thrown, onLeaseExpiry);
    tellEnd(failure.kind);
    try {
      await sendFail(runtime, lease.handle, failure);
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
