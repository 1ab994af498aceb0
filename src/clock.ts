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

/** 24.8 days: a timer of Node that is set for longer rings at once. */
const TIMER_MS_MAX = 2 ** 31 - 1;

export const systemClock: Clock = {
  monotonicMs: () => performance.now(),
  turn: () => new Promise((resolve) => setImmediate(resolve)),
  sleep(ms, signal) {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason);
      let timer: NodeJS.Timeout;
      const wait = (leftMs: number) => {
        timer = setTimeout(() => wake(leftMs - TIMER_MS_MAX), Math.max(0, Math.min(leftMs, TIMER_MS_MAX)));
      };
      const wake = (leftMs: number) => {
        if (leftMs > 0) return wait(leftMs);
        signal?.removeEventListener("abort", onAbort);
        resolve();
      };
      const onAbort = () => {
        clearTimeout(timer);
        reject(signal?.reason);
      };
      signal?.addEventListener("abort", onAbort, { once: true });
      wait(ms);
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
