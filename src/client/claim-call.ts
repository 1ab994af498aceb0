import { durationFromMs } from "@bufbuild/protobuf/wkt";
import { type ContextValues, createContextValues } from "@connectrpc/connect";
import type { Acquired, ClaimRequest, ClaimResponse } from "../../gen/holdfast/v1/idempotency_pb.ts";
import { giveBack } from "./give-back.ts";
import { type Answered, retrying } from "./retry.ts";
import { ROUTE_TAKEN, type Route } from "./route.ts";
import type { Runtime } from "./runtime.ts";
import { mayHaveTakenEffect } from "./wire-error.ts";

export interface ClaimTerms {
  /** The caller gives up. */
  readonly signal: AbortSignal;
  /** Told of each failed try. */
  readonly onError?: (error: unknown) => void;
  /** Asked before each try: how long the server may keep it open. Default: not at all. */
  readonly waitMs?: () => number;
  /** A server has said something about the record. */
  readonly onAnswer?: () => void;
  /** How long it is tried, waits not counted. Default: the retry policy's total time. */
  readonly totalMs?: number;
  /** The lease that this claim_id holds already, as far as is known. */
  readonly held?: Acquired;
}

/**
 * One claim_id, until it is answered. A caller who gives up while a claim is under way may have become the holder without
 * hearing of it, and under HOLD nobody could go on. So whatever it acquires, heard of or not, is given back:
 *
 * - A try without a wait is answered soon, so it is left alone, and its answer says what there is to give back.
 * - A try with a wait is cancelled, so that the server takes the waiter out; nobody may hang for a wait that nobody wants.
 *   The lease of a claim that is promoted after that is given back by the server. What was acquired before that, at once
 *   or by a promotion whose answer crossed the cancellation, nobody but the record knows: the claim is sent once more,
 *   behind the cancellation, without a wait.
 *
 * @throws what `retrying` throws
 */
export async function claimOnce(
  runtime: Runtime,
  request: ClaimRequest,
  { signal, onError, waitMs = () => 0, totalMs = runtime.retry.totalTimeoutMs, held }: ClaimTerms,
): Promise<Answered<ClaimResponse>> {
  const giveUpAtMs = runtime.clock.monotonicMs() + totalMs;
  // The request is copied: its claim_id may be replaced while a given-up call is still being repeated.
  const sent = { ...request };
  const hangUp = new AbortController();
  const route: Route = { address: undefined };
  const contextValues: ContextValues = createContextValues().set(ROUTE_TAKEN, route);
  let lost: unknown;
  const note = (error: unknown) => {
    if (mayHaveTakenEffect(error)) lost = error;
    onError?.(error);
  };
  const claiming = retrying(runtime, { giveUpAtMs, signal, onError: note, waitMs }, (options, tryWaitMs) => {
    if (tryWaitMs === 0) return runtime.rpc.claim(sent, { ...options, contextValues });
    const waiting = { ...sent, wait: durationFromMs(tryWaitMs) };
    return runtime.rpc.claim(waiting, { ...options, contextValues, signal: hangUp.signal });
  });
  const answered = await untilAborted(claiming, signal);
  if (answered !== undefined) return answered;
  hangUp.abort(signal.reason);
  runtime.lifetime.keep(giveBack(runtime, { request: sent, claiming, lostAnswer: () => lost, held, route }));
  throw signal.reason;
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
