/** Process time: for waiting and for measuring, never for judging a lease. The only place that touches timers. */
export interface Clock {
  /** Milliseconds, fractional, from an arbitrary origin; never steps. */
  monotonicMs(): number;
  /**
   * Resolves after `ms`, soon if that is not above 0; rejects with the signal's reason when aborted first, and then
   * leaves no timer behind.
   */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
  /** Resolves once what had arrived at the process has been read: one turn of the event loop, no time. */
  turn(): Promise<void>;
}

export const systemClock: Clock = {
  monotonicMs: () => performance.now(),
  turn: () => new Promise((resolve) => setImmediate(resolve)),
  sleep(ms, signal) {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason);
      const timer = setTimeout(
        () => {
          signal?.removeEventListener("abort", onAbort);
          resolve();
        },
        Math.max(0, ms),
      );
      const onAbort = () => {
        clearTimeout(timer);
        reject(signal?.reason);
      };
      signal?.addEventListener("abort", onAbort, { once: true });
    });
  },
};

/**
 * Milliseconds since the Unix epoch by this machine's clock, which may step: only for judging the dates that somebody
 * else wrote into a token or a certificate.
 */
export function wallClockMs(): number {
  return Date.now();
}
