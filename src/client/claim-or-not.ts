import type { ClaimRequest, ClaimResponse } from "../../gen/holdfast/v1/idempotency_pb.ts";
import { claimUntilSettled, type Waiting } from "./claim.ts";
import { CircuitOpenError, type HoldfastError } from "./errors.ts";
import type { Answered } from "./retry.ts";
import type { Runtime } from "./runtime.ts";
import { isUnavailable, toHoldfastError } from "./wire-error.ts";

/** What `once` does while no server can be reached. */
export type WhenUnavailable = "fail-closed" | "fail-open";

/**
 * Claims; or, for a call that fails open, says that no server could be asked.
 *
 * It fails open only while nothing is known of the record: no server has answered anything about it, be it that somebody
 * is at work, an end, or a refusal. So a call that fails open asks first without a wait, and with a bound of its own:
 * behind a claim that waits at a server there is most often somebody else's work.
 *
 * @throws CircuitOpenError, and what claimUntilSettled throws
 */
export async function claimOrNot(
  runtime: Runtime,
  request: ClaimRequest,
  waiting: Waiting,
  whenUnavailable: WhenUnavailable,
): Promise<Answered<ClaimResponse> | { readonly unavailable: HoldfastError }> {
  const { breaker } = runtime;
  const failsOpen = whenUnavailable === "fail-open";
  if (!failsOpen && !breaker.failFast) return await claimUntilSettled(runtime, request, waiting);
  waiting.signal?.throwIfAborted();
  if (!breaker.admits()) {
    const error = new CircuitOpenError(breaker.retryAfterMs);
    if (failsOpen) return { unavailable: error };
    throw error;
  }
  if (!failsOpen) return await claimUntilSettled(runtime, request, waiting);
  let isHeardOf = false;
  const onAnswer = () => {
    isHeardOf = true;
  };
  try {
    return await claimUntilSettled(runtime, request, {
      ...waiting,
      first: { totalMs: breaker.failOpenAfterMs, onAnswer },
    });
  } catch (error) {
    const hasGone = waiting.signal?.aborted === true || runtime.lifetime.closing.aborted;
    if (hasGone || isHeardOf || !isUnavailable(error)) throw error;
    return { unavailable: toHoldfastError(error) };
  }
}
