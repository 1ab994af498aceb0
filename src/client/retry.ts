import type { CallOptions } from "@connectrpc/connect";
import type { Clock } from "./clock.ts";
import { isWorthOneMore, retryDelayMs } from "./wire-error.ts";

/** How calls are repeated. All times are milliseconds. */
export interface RetryPolicy {
  /** One try, beyond what the server was asked to wait: when it is over, the answer counts as lost. Default 10 s. */
  readonly tryTimeoutMs: number;
  /** All tries of one call together, such waits not counted: then the last error is thrown. Default 60 s. */
  readonly totalTimeoutMs: number;
  /** The first delay is a random part of this; the next ones of twice as much each. Default 50 ms. */
  readonly baseDelayMs: number;
  /** Default 5 s. */
  readonly maxDelayMs: number;
}

export const DEFAULT_RETRY: RetryPolicy = {
  tryTimeoutMs: 10_000,
  totalTimeoutMs: 60_000,
  baseDelayMs: 50,
  maxDelayMs: 5_000,
};

export interface RetryDeps {
  readonly clock: Clock;
  /** In [0, 1). */
  readonly random: () => number;
  readonly retry: RetryPolicy;
}

/** An answer, and when the call that brought it was sent: what a lease is counted from. */
export interface Answered<T> {
  readonly answer: T;
  readonly sentAtMs: number;
  /** How long the server was asked to keep that call open for a better answer. */
  readonly waitMs: number;
}

interface RetryBounds {
  /** Monotonic: no try begins, and no delay ends, after it; later by what the tries have waited. */
  readonly giveUpAtMs: number;
  readonly tryTimeoutMs?: number;
  /** Asked before each try: how long the server may keep it open. Default: not at all. */
  readonly waitMs?: () => number;
  /** Ends delays and begins no further try. A try under way is left alone; whoever wants it cancelled passes it on. */
  readonly signal: AbortSignal;
  /** Told of each failed try. */
  readonly onError?: (error: unknown) => void;
}

/**
 * Repeats a call with the same request until it is answered: every method is idempotent, so a lost answer and a lost
 * request are treated alike. Full jitter on top of what the server asks for in RetryInfo.
 *
 * Throws the last error, as the transport gave it; or the signal's reason.
 */
export async function retrying<T>(
  { clock, random, retry }: RetryDeps,
  bounds: RetryBounds,
  send: (options: CallOptions, waitMs: number) => Promise<T>,
): Promise<Answered<T>> {
  let oneMore = true;
  let { giveUpAtMs } = bounds;
  for (let tries = 0; ; tries++) {
    bounds.signal.throwIfAborted();
    const sentAtMs = clock.monotonicMs();
    const waitMs = bounds.waitMs?.() ?? 0;
    const timeoutMs = Math.min(bounds.tryTimeoutMs ?? retry.tryTimeoutMs, giveUpAtMs - sentAtMs) + waitMs;
    try {
      return { answer: await send({ timeoutMs: Math.max(1, Math.ceil(timeoutMs)) }, waitMs), sentAtMs, waitMs };
    } catch (error) {
      bounds.onError?.(error);
      bounds.signal.throwIfAborted();
      giveUpAtMs += Math.min(waitMs, clock.monotonicMs() - sentAtMs);
      const askedMs = retryDelayMs(error) ?? (oneMore && isWorthOneMore(error) ? 0 : null);
      if (askedMs === null) throw error;
      if (isWorthOneMore(error)) oneMore = false;
      const delayMs = askedMs + random() * Math.min(retry.maxDelayMs, retry.baseDelayMs * 2 ** Math.min(tries, 30));
      if (clock.monotonicMs() + delayMs >= giveUpAtMs) throw error;
      await clock.sleep(delayMs, bounds.signal);
    }
  }
}
