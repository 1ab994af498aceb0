import { ClaimIntent, type ClaimRequest, type ClaimResponse } from "../../gen/holdfast/v1/idempotency_pb.ts";
import { sendFail } from "./ends.ts";
import { notStarted, outcomeUnknown } from "./failure.ts";
import { type Answered, retrying } from "./retry.ts";
import { NEVER, type Runtime } from "./runtime.ts";
import { isWorthRepeating, retryDelayMs, toHoldfastError } from "./wire-error.ts";

/** A claim whose caller has given up. */
export interface GivenUpClaim {
  readonly request: ClaimRequest;
  /** Settles when the try under way is over. */
  readonly claiming: Promise<Answered<ClaimResponse>>;
  /** The error of the newest try that may have acquired although its answer was lost; undefined when there is none. */
  readonly lostAnswer: () => unknown;
}

/** Ends the lease that a given-up claim has acquired, heard of or not. Warns when that may not have come about. */
export async function giveBack(runtime: Runtime, given: GivenUpClaim): Promise<void> {
  const { request } = given;
  const why = "the caller gave up before the claim was answered";
  try {
    const { detail } = (await learnFate(runtime, given)) ?? {};
    if (detail?.case !== "acquired" || detail.value.lease?.handle === undefined) return;
    // From a reconciler, "not started" would be a verdict on somebody else's attempt.
    const failure = request.intent === ClaimIntent.RECONCILE ? outcomeUnknown(why) : notStarted(why);
    await sendFail(runtime, detail.value.lease.handle, failure);
  } catch (error) {
    const { scope, key } = request.key ?? { scope: "", key: "" };
    runtime.warn({ kind: "give-back-failed", scope, key, error: toHoldfastError(error) });
  }
}

/** Undefined when the server has said that the claim does not hold the lease. */
async function learnFate(
  runtime: Runtime,
  { request, claiming, lostAnswer }: GivenUpClaim,
): Promise<ClaimResponse | undefined> {
  try {
    return (await claiming).answer;
  } catch {
    const lost = lostAnswer();
    return lost === undefined ? undefined : await askAgain(runtime, request, lost);
  }
}

/**
 * The same claim_id reattaches to the lease if it was acquired. If it was not, this acquires it for a moment: the server
 * has no call that asks without claiming.
 *
 * For one try's time and no longer, because close() and the end of the process wait for it.
 *
 * @throws the last error, when the fate is as unknown as before.
 */
async function askAgain(runtime: Runtime, request: ClaimRequest, lost: unknown): Promise<ClaimResponse | undefined> {
  const { clock, retry, rpc } = runtime;
  const giveUpAtMs = clock.monotonicMs() + retry.tryTimeoutMs;
  const delayMs = retryDelayMs(lost) ?? 0;
  if (delayMs >= retry.tryTimeoutMs) throw lost;
  await clock.sleep(delayMs, NEVER);
  try {
    return (await retrying(runtime, { giveUpAtMs, signal: NEVER }, (options) => rpc.claim(request, options))).answer;
  } catch (error) {
    if (isWorthRepeating(error)) throw error;
    // Refused for good: the holder would have been reattached.
    return undefined;
  }
}
