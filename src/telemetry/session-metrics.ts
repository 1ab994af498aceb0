import type { CounterSpec, GaugeSpec } from "./metric-spec.ts";
import type { Metrics } from "./metrics.ts";

export const SESSIONS = {
  kind: "gauge",
  name: "holdfast_sessions",
  unit: "streams",
  help: "Session streams that are open.",
  advice: "One for each process that uses them. Their calls count under the methods that are called.",
  labels: {},
} as const satisfies GaugeSpec;

export const SESSION_PAUSES = {
  kind: "counter",
  name: "holdfast_session_pauses_total",
  unit: "times",
  help: "How often a session was not read for a while, because more of its calls were under way than may be.",
  advice:
    "Its client has more calls open than Hello allows, or more bytes of them; one that keeps to Hello is never held up. The client of this project keeps to it.",
  labels: {},
} as const satisfies CounterSpec;

export interface SessionMetrics {
  opened(): void;
  closed(): void;
  paused(): void;
}

export function createSessionMetrics(metrics: Metrics): SessionMetrics {
  const pauses = metrics.counter(SESSION_PAUSES)();
  let open = 0;
  metrics.gauge(SESSIONS, () => open);
  return {
    opened() {
      open++;
    },
    closed() {
      open--;
    },
    paused() {
      pauses.value++;
    },
  };
}
