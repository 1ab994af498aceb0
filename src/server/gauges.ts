import type { Metrics } from "../telemetry/metrics.ts";
import type { Backend } from "./backend.ts";
import type { Readiness } from "./readiness.ts";

export function addServerGauges(metrics: Metrics, backend: Backend, readiness: Readiness): void {
  const status = () => backend.status();
  metrics.gauge("holdfast_pool_connections", "Connections to the database that there should be.", () => {
    return status().connections;
  });
  metrics.gauge("holdfast_pool_connections_open", "Those that are open.", () => status().open);
  metrics.gauge("holdfast_pool_connections_busy", "Those with a statement under way.", () => status().busy);
  metrics.gauge("holdfast_ready", "1 while the server should be sent calls.", () => Number(readiness.report().ready));
}
