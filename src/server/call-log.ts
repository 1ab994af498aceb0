import type { Clock } from "../clock.ts";
import type { FaultCode } from "../domain/fault.ts";
import type { RpcObserver } from "../rpc/observer.ts";
import type { Log } from "../telemetry/log.ts";

export interface CallLogDeps {
  readonly log: Log;
  readonly clock: Clock;
}

/** What somebody has to look at; other refusals are the caller's affair and are told to the caller. */
const LOUD: ReadonlyMap<FaultCode, "error" | "warn"> = new Map([
  ["INTERNAL", "error"],
  ["STORE_UNAVAILABLE", "warn"],
  ["OVERLOADED", "warn"],
]);

/** While a database is down every call fails alike: one line a second for each kind tells as much as ten thousand. */
const QUIET_MS = 1000;

/**
 * Passes on to the metrics, and logs. Each call is a debug line, without the request: there is nothing in it that may be
 * logged. INTERNAL is always logged, under the request id that the caller was given.
 */
export function logCalls(metrics: RpcObserver, { log, clock }: CallLogDeps): RpcObserver {
  const lastMs = new Map<string, number>();
  const unlogged = new Map<string, number>();

  const mayLog = (kind: string) => {
    const now = clock.monotonicMs();
    const quiet = now - (lastMs.get(kind) ?? Number.NEGATIVE_INFINITY) < QUIET_MS;
    if (quiet) unlogged.set(kind, (unlogged.get(kind) ?? 0) + 1);
    else lastMs.set(kind, now);
    return !quiet;
  };
  const takeUnlogged = (kind: string) => {
    const count = unlogged.get(kind) ?? 0;
    unlogged.delete(kind);
    return count;
  };

  return {
    ...metrics,
    handled(method, code, seconds, context, error, trace) {
      metrics.handled(method, code, seconds, context, error, trace);
      if (error === undefined && !log.isLevelEnabled("debug")) return;
      const fields = () => ({
        ...{ method: method.name, requestId: context.requestId, transport: context.transport },
        ...traceField(trace?.traceId),
      });
      const level = error === undefined ? undefined : LOUD.get(error.reason);
      if (error === undefined || level === undefined) {
        if (!log.isLevelEnabled("debug")) return;
        return log.debug({ ...fields(), code, ms: seconds * 1000, reason: error?.reason }, "call");
      }
      const kind = `${method.name} ${error.reason}`;
      if (error.reason !== "INTERNAL" && !mayLog(kind)) return;
      log[level](
        { ...fields(), reason: error.reason, unlogged: takeUnlogged(kind), error: error.cause },
        "call failed",
      );
    },
  };
}

/** Under the name that log collectors join to traces by. */
function traceField(traceId: string | null | undefined): { readonly trace_id?: string } {
  return traceId == null ? {} : { trace_id: traceId };
}
