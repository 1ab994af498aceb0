import { type Attempt, checkProgress, encodeCheckpoint } from "./attempt.ts";
import { decodeResult, encodeResult } from "./body.ts";
import { type HoldfastError, UnprotectedError } from "./errors.ts";
import { AttemptFailure } from "./failure.ts";
import { checkText, LIMITS } from "./limits.ts";
import type { Once, OnceOptions } from "./once.ts";
import { providerKeyBy } from "./provider-key.ts";
import { follow, type Runtime } from "./runtime.ts";

/**
 * Runs work of which no server could be asked. Nothing is stored and nobody is told: whoever else calls runs it too, at
 * the same time or later. What it returns goes through the serializer all the same, so that everybody gets the like.
 *
 * A claim whose answer was lost may hold the lease at the server: it is left alone, for the truth of it is what its end
 * says, that an attempt has begun of which nobody has heard.
 *
 * @param error why no server could be asked
 */
export async function runUnprotected<T>(
  runtime: Runtime,
  options: OnceOptions<T>,
  error: HoldfastError,
  work: (attempt: Attempt) => T | Promise<T>,
): Promise<Once<T>> {
  const { scope, key, signal, serializer } = options;
  runtime.warn({ kind: "unprotected", scope, key, error });
  runtime.tell("onUnprotected", { scope, key, error });
  const gone = new AbortController();
  const unfollow = follow(gone, [signal, runtime.lifetime.closing]);
  try {
    const value = await work(unprotectedAttempt(runtime, options, gone.signal));
    const { result, cause } = encodeResult(value, serializer);
    const own = decodeResult<T>(result, serializer, { replayed: false, value, cause });
    return { value: own, replayed: false, attempt: 0, reason: "unprotected", protected: false };
  } catch (thrown) {
    throw thrown instanceof AttemptFailure ? thrown.cause : thrown;
  } finally {
    unfollow();
  }
}

/** What it is told goes nowhere; it is checked all the same, so that work does not fail only when it is protected. */
function unprotectedAttempt<T>(runtime: Runtime, { scope, key }: OnceOptions<T>, signal: AbortSignal): Attempt {
  return {
    isProtected: false,
    fence: 0n,
    number: 0,
    reason: "unprotected",
    signal,
    lastCheckpoint: undefined,
    previousError: undefined,
    async checkpoint(data, { name = "" } = {}) {
      encodeCheckpoint(data, name, 1n);
    },
    progress: (fraction) => checkProgress(fraction),
    async setExternalRef(ref) {
      checkText("external_ref", ref, LIMITS.label);
    },
    keyFor(provider, format = "text") {
      const tenant = runtime.tenant || runtime.acquiredFor.tenant;
      if (tenant === "") throw new UnprotectedError("a key for a provider needs the client's `tenant`");
      return providerKeyBy(runtime.platform, { tenant, scope, key }, provider, format);
    },
    completion() {
      throw new UnprotectedError("there is no record to complete");
    },
    leaseRemainingMs: () => Number.POSITIVE_INFINITY,
  };
}
