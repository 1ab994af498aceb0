import type { Metrics } from "../telemetry/metrics.ts";
import type { Backend } from "./backend.ts";
import type { Readiness } from "./readiness.ts";
import type { Waiting } from "./waiting.ts";

export interface GaugesDeps {
  readonly backend: Pick<Backend, "status">;
  readonly waiting: Pick<Waiting, "status">;
  readonly readiness: Pick<Readiness, "report">;
}

/** The connection that listens counts beside the backend's own, but it never has a statement under way to speak of. */
export function addServerGauges(metrics: Metrics, { backend, waiting, readiness }: GaugesDeps): void {
  metrics.gauge("holdfast_pool_connections", "Connections to the database that there should be.", () => {
    return backend.status().connections + 1;
  });
  metrics.gauge("holdfast_pool_connections_open", "Those that are open.", () => {
    return backend.status().open + Number(waiting.status().isConnected);
  });
  metrics.gauge("holdfast_pool_connections_busy", "Those with a statement under way.", () => backend.status().busy);
  metrics.gauge("holdfast_ready", "1 while the server should be sent calls.", () => Number(readiness.report().ready));
}
