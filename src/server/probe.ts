import type { Clock } from "../clock.ts";
import type { Log } from "../telemetry/log.ts";
import type { BackendStatus } from "./backend.ts";
import { PROBE_INTERVAL_MS } from "./limits.ts";
import type { Readiness } from "./readiness.ts";

export interface ProbeDeps {
  /** Of the placement. */
  readonly name: string;
  readonly status: () => Pick<BackendStatus, "reachable" | "trouble">;
  /** Before it has resolved there is nothing to say: what keeps it from being opened is told by whoever opens it. */
  readonly opened: Promise<void>;
  readonly readiness: Pick<Readiness, "setPlacement">;
  readonly clock: Clock;
  readonly log: Pick<Log, "info" | "error">;
}

/** What keeps the database away may turn out to be something else than it was at first: a former primary, say. */
const RETOLD_AFTER_MS = 5_000;

/**
 * Keeps the readiness true to what the connections of a placement see, and logs each change once, and then what has become
 * of it. Two looks in a row
 * must find the database away: calls wait that long for a connection, so nobody notices one that is back by then.
 */
export function watchDatabase({ name, status, opened, readiness, clock, log }: ProbeDeps): Disposable {
  const stop = new AbortController();
  const say = (reachable: boolean) => readiness.setPlacement(name, reachable ? "up" : "down");
  const watch = async () => {
    await opened;
    let was = true;
    let before = status().reachable;
    let told: string | undefined;
    let toldAtMs = 0;
    const tell = (error: Error | null, message: string) => {
      log.error({ error }, message);
      told = error?.message;
      toldAtMs = clock.monotonicMs();
    };
    while (!stop.signal.aborted) {
      const { reachable, trouble } = status();
      const isUp: boolean = reachable || (was && before);
      const isNews = trouble !== null && trouble.message !== told && clock.monotonicMs() - toldAtMs >= RETOLD_AFTER_MS;
      if (was && !isUp) tell(trouble, "the database does not answer");
      else if (!isUp && isNews) tell(trouble, "the database still does not answer");
      if (!was && isUp) log.info({}, "the database answers again");
      was = isUp;
      before = reachable;
      say(isUp);
      await clock.sleep(PROBE_INTERVAL_MS, stop.signal).catch(() => undefined);
    }
  };
  say(status().reachable);
  void watch();
  return { [Symbol.dispose]: () => stop.abort() };
}
