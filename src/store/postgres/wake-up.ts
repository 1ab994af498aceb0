/** Callers who wait for something to change. A wait that was given up leaves nothing behind, however long nothing does. */
export interface WakeUp {
  /** Returns at the next `all`; rejects with the signal's reason before. */
  next(signal: AbortSignal): Promise<void>;
  all(): void;
  readonly waiting: number;
}

export function createWakeUp(): WakeUp {
  const waiting = new Set<() => void>();
  return {
    next(signal) {
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      const leave = () => {
        waiting.delete(wake);
        reject(signal.reason);
      };
      const wake = () => {
        signal.removeEventListener("abort", leave);
        resolve();
      };
      if (signal.aborted) reject(signal.reason);
      else {
        waiting.add(wake);
        signal.addEventListener("abort", leave, { once: true });
      }
      return promise;
    },
    all() {
      const woken = [...waiting];
      waiting.clear();
      for (const wake of woken) wake();
    },
    get waiting() {
      return waiting.size;
    },
  };
}
