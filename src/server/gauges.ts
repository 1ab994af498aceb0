import type { Metrics } from "../telemetry/metrics.ts";
import { addWaitingGauges } from "../telemetry/waiting-metrics.ts";
import type { Placement } from "./placement.ts";
import type { Readiness } from "./readiness.ts";
import type { Tls } from "./tls.ts";

export interface GaugesDeps {
  readonly placements: readonly Pick<Placement, "name" | "hub" | "status">[];
  readonly readiness: Pick<Readiness, "report">;
  /** Null: clear text. */
  readonly tls: Pick<Tls, "notAfter"> | null;
}

export function addServerGauges(metrics: Metrics, { placements, readiness, tls }: GaugesDeps): void {
  metrics.gauge("holdfast_ready", "1 while the server should be sent calls.", () => Number(readiness.report().ready));
  if (tls !== null) {
    const help = "When the TLS certificate in force expires, in seconds since the Unix epoch; absent without TLS.";
    metrics.gauge("holdfast_tls_certificate_not_after_seconds", help, () => tls.notAfter.getTime() / 1000);
  }
  for (const placement of placements) {
    const { name, hub } = placement;
    addDatabaseGauges(metrics, placement, readiness);
    const isListening = () => placement.status().waiting.mode === "notified";
    addWaitingGauges({ metrics, placement: name, hub, isListening });
  }
}

/**
 * The connection that listens for those who wait counts beside the backend's own, but it never has a statement under way
 * to speak of. The one that listens for changes of tenants has gauges of its own.
 */
function addDatabaseGauges(
  metrics: Metrics,
  { name, status }: GaugesDeps["placements"][number],
  readiness: GaugesDeps["readiness"],
): void {
  const gauge = (metric: string, help: string, read: () => number) =>
    metrics.gauge(metric, help, read, { placement: name });

  gauge("holdfast_placement_up", "1 while the placement's database answers.", () => {
    return Number(readiness.report().placements[name] === "up");
  });
  gauge("holdfast_pool_connections", "Connections to the database that there should be; 0 until it was opened.", () => {
    const { connections } = status();
    return connections === 0 ? 0 : connections + 1;
  });
  gauge("holdfast_pool_connections_open", "Those that are open.", () => {
    const { open, waiting } = status();
    return open + Number(waiting.isConnected);
  });
  gauge("holdfast_pool_connections_busy", "Those with a statement under way.", () => status().busy);
  gauge("holdfast_sweep_age_seconds", "Since the last finished pass of the sweeper.", () => status().sweepAgeMs / 1000);
}
