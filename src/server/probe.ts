import type { Clock } from "../clock.ts";
import type { Log } from "../telemetry/log.ts";
import type { Backend } from "./backend.ts";
import { PROBE_INTERVAL_MS } from "./limits.ts";
import type { Readiness } from "./readiness.ts";

export interface ProbeDeps {
  readonly backend: Backend;
  readonly readiness: Readiness;
  readonly clock: Clock;
  readonly log: Log;
}

/** Keeps `database` in the readiness true to what the connections see, and logs each change once. */
export function watchDatabase({ backend, readiness, clock, log }: ProbeDeps): Disposable {
  const stop = new AbortController();
  readiness.set("database", backend.status().reachable);
  const watch = async () => {
    let was = true;
    while (!stop.signal.aborted) {
      const { reachable, trouble } = backend.status();
      if (was && !reachable) log.error({ error: trouble }, "the database does not answer");
      if (!was && reachable) log.info({}, "the database answers again");
      was = reachable;
      readiness.set("database", reachable);
      await clock.sleep(PROBE_INTERVAL_MS, stop.signal).catch(() => undefined);
    }
  };
  void watch();
  return { [Symbol.dispose]: () => stop.abort() };
}
