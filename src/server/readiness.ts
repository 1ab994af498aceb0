/** Whether this server should be sent calls, and if not, why. */
export interface Readiness {
  report(): ReadinessReport;
  /** Resolves at the next change of the report, or when the signal is aborted. */
  changed(signal: AbortSignal): Promise<void>;
  /** Says one fact anew; a fact that is false makes the server not ready. */
  set(check: Exclude<Check, "database">, ok: boolean): void;
  /** The same of the database of one placement. */
  setPlacement(name: string, state: PlacementState): void;
  /** From now on open streams are to end. */
  stop(): void;
  stopping(): boolean;
}

/**
 * `database`: that of some placement answers, for one that is down must not take this server away from the tenants of the
 * others · `schema`: main's is the one this version knows · `accepting`: the server is not shutting down.
 */
export type Check = "database" | "schema" | "accepting";

/** Whether the placement's database answers. */
export type PlacementState = "up" | "down";

export interface ReadinessReport {
  readonly ready: boolean;
  readonly checks: Readonly<Record<Check, boolean>>;
  /** By name. */
  readonly placements: Readonly<Record<string, PlacementState>>;
}

export function createReadiness(): Readiness {
  let checks: Readonly<Record<Check, boolean>> = { database: false, schema: false, accepting: true };
  let placements: Readonly<Record<string, PlacementState>> = {};
  let stopping = false;
  const waiting = new Set<() => void>();
  const wake = () => {
    for (const resume of waiting) resume();
    waiting.clear();
  };

  const check = (changed: Check, ok: boolean) => {
    if (checks[changed] === ok) return;
    checks = { ...checks, [changed]: ok };
    wake();
  };

  return {
    report: () => ({ ready: checks.database && checks.schema && checks.accepting, checks, placements }),
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
    set: check,
    setPlacement(name, state) {
      if (placements[name] === state) return;
      placements = { ...placements, [name]: state };
      check("database", Object.values(placements).includes("up"));
      wake();
    },
    stop() {
      stopping = true;
      wake();
    },
  };
}
