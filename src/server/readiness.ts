/** Whether this server should be sent calls, and if not, why. */
export interface Readiness {
  report(): ReadinessReport;
  /** Resolves at the next change of the report, or when the signal is aborted. */
  changed(signal: AbortSignal): Promise<void>;
  /** Says one fact anew; a fact that is false makes the server not ready. */
  set(check: Check, ok: boolean): void;
  /** From now on open streams are to end. */
  stop(): void;
  stopping(): boolean;
}

/** `database`: it answers · `schema`: it is the one this version knows · `accepting`: the server is not shutting down. */
export type Check = "database" | "schema" | "accepting";

export interface ReadinessReport {
  readonly ready: boolean;
  readonly checks: Readonly<Record<Check, boolean>>;
}

export function createReadiness(): Readiness {
  let checks: Record<Check, boolean> = { database: false, schema: false, accepting: true };
  let stopping = false;
  const waiting = new Set<() => void>();
  const wake = () => {
    for (const resume of waiting) resume();
    waiting.clear();
  };

  return {
    report: () => ({ ready: checks.database && checks.schema && checks.accepting, checks }),
    stopping: () => stopping,
    changed(signal) {
      return new Promise((resolve) => {
        const resume = () => {
          signal.removeEventListener("abort", resume);
          waiting.delete(resume);
          resolve();
        };
        waiting.add(resume);
        signal.addEventListener("abort", resume);
        if (signal.aborted) resume();
      });
    },
    set(check, ok) {
      if (checks[check] === ok) return;
      checks = { ...checks, [check]: ok };
      wake();
    },
    stop() {
      stopping = true;
      wake();
    },
  };
}
