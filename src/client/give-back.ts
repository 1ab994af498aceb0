import { createContextValues } from "@connectrpc/connect";
import {
  type Acquired,
  ClaimIntent,
  type ClaimRequest,
  type ClaimResponse,
} from "../../gen/holdfast/v1/idempotency_pb.ts";
import { sendFail } from "./ends.ts";
import { LeaseLostError } from "./errors.ts";
import { notStarted, outcomeUnknown } from "./failure.ts";
import { type Answered, retrying } from "./retry.ts";
import { ROUTE_WANTED, type Route } from "./route.ts";
import { never, type Runtime } from "./runtime.ts";
import { isWorthRepeating, retryDelayMs, toHoldfastError } from "./wire-error.ts";

/** A claim whose caller has given up. */
export interface GivenUpClaim {
  readonly request: ClaimRequest;
  /** Settles when the try under way is over. */
  readonly claiming: Promise<Answered<ClaimResponse>>;
  /** The error of the newest try that may have acquired although its answer was lost; undefined when there is none. */
  readonly lostAnswer: () => unknown;
  /** What it had acquired before. */
  readonly held: Acquired | undefined;
  /** Which way its newest try went. */
  readonly route: Route;
}

/** Ends the lease that a given-up claim has acquired, heard of or not. Warns when that may not have come about. */
export async function giveBack(runtime: Runtime, given: GivenUpClaim): Promise<void> {
  try {
    const acquired = await learnFate(runtime, given);
    if (acquired !== undefined) await endLease(runtime, given.request, acquired);
  } catch (error) {
    warn(runtime, given.request, error);
  }
}

/** Ends a lease under which nothing was done. Warns when that may not have come about; never rejects. */
export async function endLease(runtime: Runtime, request: ClaimRequest, { lease }: Acquired): Promise<void> {
  const why = "the caller gave up before the claim was answered";
  // From a reconciler, "not started" would be a verdict on somebody else's attempt.
  const failure = request.intent === ClaimIntent.RECONCILE ? outcomeUnknown(why) : notStarted(why);
  try {
    if (lease?.handle !== undefined) await sendFail(runtime, lease.handle, failure);
  } catch (error) {
    // What is not held any more need not be given back.
    if (!(error instanceof LeaseLostError)) warn(runtime, request, error);
  }
}

function warn(runtime: Runtime, { key }: ClaimRequest, error: unknown): void {
  const { scope = "", key: name = "" } = key ?? {};
  runtime.warn({ kind: "give-back-failed", scope, key: name, error: toHoldfastError(error) });
}

/** Undefined when the server has said that the claim does not hold the lease. */
async function learnFate(
  runtime: Runtime,
  { request, claiming, lostAnswer, held, route }: GivenUpClaim,
): Promise<Acquired | undefined> {
  try {
    return acquiredBy((await claiming).answer);
  } catch {
    if (held !== undefined) return held;
    const lost = lostAnswer();
    return lost === undefined ? undefined : await askAgain(runtime, request, lost, route);
  }
}

/**
 * The same claim_id reattaches to the lease if it was acquired. If it was not, this acquires it for a moment: the server
 * has no call that asks without claiming.
 *
 * It goes the way of the call in question first, so that it is not ahead of it. For one try's time and no longer, because
 * close() and the end of the process wait for it.
 *
 * @throws the last error, when the fate is as unknown as before.
 */
async function askAgain(
  runtime: Runtime,
  request: ClaimRequest,
  lost: unknown,
  { address }: Route,
): Promise<Acquired | undefined> {
  const { clock, retry, rpc } = runtime;
  const giveUpAtMs = clock.monotonicMs() + retry.tryTimeoutMs;
  const delayMs = retryDelayMs(lost) ?? 0;
  if (delayMs >= retry.tryTimeoutMs) throw lost;
  if (delayMs > 0) await clock.sleep(delayMs, never());
  let wanted = address;
  try {
    const { answer } = await retrying(runtime, { giveUpAtMs, signal: never() }, (options) => {
      const contextValues = createContextValues().set(ROUTE_WANTED, wanted);
      wanted = undefined;
      return rpc.claim(request, { ...options, contextValues });
    });
    return acquiredBy(answer);
  } catch (error) {
    if (isWorthRepeating(error)) throw error;
    // Refused for good: the holder would have been reattached.
    return undefined;
  }
}

function acquiredBy({ detail }: ClaimResponse): Acquired | undefined {
  return detail.case === "acquired" ? detail.value : undefined;
}
