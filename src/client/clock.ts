/**
 * The client's process time. A twin of the server's clock: the client is published on its own and imports nothing of it.
 * The only file of the client that touches timers and dates.
 */
export interface Clock {
  /** Milliseconds, fractional, from an arbitrary origin; never steps. */
  monotonicMs(): number;
  /** Resolves after `ms`; rejects with the signal's reason when aborted first. Keeps the process alive meanwhile. */
  sleep(ms: number, signal: AbortSignal): Promise<void>;
  /** Calls back after `ms`, unless cancelled by what it returns. Never keeps the process alive; Infinity is never. */
  after(ms: number, callback: () => void): () => void;
}

/** Node's timers hold a signed 32-bit number of milliseconds; a longer one would fire at once. */
const TIMER_MS_MAX = 2 ** 31 - 1;

export const systemClock: Clock = {
  monotonicMs: () => performance.now(),

  sleep(ms, signal) {
    return new Promise((resolve, reject) => {
      if (signal.aborted) return reject(signal.reason);
      const timer = setTimeout(
        () => {
          signal.removeEventListener("abort", onAbort);
          resolve();
        },
        Math.min(ms, TIMER_MS_MAX),
      );
      const onAbort = () => {
        clearTimeout(timer);
        reject(signal.reason);
      };
      signal.addEventListener("abort", onAbort, { once: true });
    });
  },

  after(ms, callback) {
    if (ms === Number.POSITIVE_INFINITY) return () => undefined;
    const due = performance.now() + ms;
    let timer: ReturnType<typeof setTimeout>;
    const arm = () => {
      const left = due - performance.now();
      timer = setTimeout(left > TIMER_MS_MAX ? arm : callback, Math.min(Math.max(left, 0), TIMER_MS_MAX));
      // A number everywhere but on Node, where it would keep the process alive.
      if (typeof timer === "object") timer.unref();
    };
    arm();
    return () => clearTimeout(timer);
  },
};

/** A deadline as grpc-js takes it: milliseconds of the wall clock. Only ever compared by grpc-js, with the same clock. */
export function wallDeadline(timeoutMs: number): number {
  return Date.now() + timeoutMs;
}
