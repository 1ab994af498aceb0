import type { RetryDeps } from "./retry.ts";
import { isWorthOneMore, retryDelayMs } from "./wire-error.ts";

/** When to ask for a stream again that has ended too early. */
export interface BackOff {
  /** A stream is asked for. */
  begun(): void;
  /** A message has come. */
  heard(): void;
  /**
   * How long to pause before the next stream.
   *
   * @param error what ended the last one; undefined when the server said that it would end
   * @throws the error, when asking again cannot help, or has not for the retry policy's total time
   */
  pauseMs(error: unknown): number;
  /** Undefined when the last stream has said something. */
  readonly lastError: unknown;
}

/** As `retrying` pauses between tries, but a stream that has lived for a while leaves no reason to pause for long. */
export function createBackOff({ clock, random, retry }: RetryDeps): BackOff {
  let begunAtMs = clock.monotonicMs();
  let failingSinceMs: number | undefined;
  let lastError: unknown;
  let tries = 0;
  let oneMore = true;

  const askedMs = (error: unknown): number => {
    if (error === undefined) return 0;
    const delayMs = retryDelayMs(error);
    if (delayMs !== null) return delayMs;
    if (!oneMore || !isWorthOneMore(error)) throw error;
    oneMore = false;
    return 0;
  };

  return {
    begun() {
      begunAtMs = clock.monotonicMs();
    },
    heard() {
      failingSinceMs = undefined;
      lastError = undefined;
      oneMore = true;
    },
    pauseMs(error) {
      const nowMs = clock.monotonicMs();
      lastError = error;
      failingSinceMs ??= nowMs;
      if (nowMs - begunAtMs >= retry.maxDelayMs) tries = 0;
      const growingMs = Math.min(retry.maxDelayMs, retry.baseDelayMs * 2 ** Math.min(tries++, 30));
      const delayMs = askedMs(error) + random() * growingMs;
      if (error !== undefined && nowMs + delayMs >= failingSinceMs + retry.totalTimeoutMs) throw error;
      return delayMs;
    },
    get lastError() {
      return lastError;
    },
  };
}
