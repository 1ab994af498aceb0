import type { Metrics } from "../telemetry/metrics.ts";
import { addRecordGauges } from "../telemetry/record-metrics.ts";
import {
  BUILD_INFO,
  CERTIFICATE,
  PLACEMENT_UP,
  POOL_BUSY,
  POOL_CONNECTIONS,
  POOL_OPEN,
  READY,
  SWEEP_AGE,
  SWEEP_LAG,
} from "../telemetry/server-metrics.ts";
import { addWaitingGauges } from "../telemetry/waiting-metrics.ts";
import type { Placement } from "./placement.ts";
import type { Readiness } from "./readiness.ts";
import type { Tls } from "./tls.ts";
import { VERSION } from "./version.ts";

export interface GaugesDeps {
  readonly placements: readonly Pick<Placement, "name" | "hub" | "status">[];
  readonly readiness: Pick<Readiness, "report">;
  /** Null: clear text. */
  readonly tls: Pick<Tls, "notAfter"> | null;
}

export function addServerGauges(metrics: Metrics, { placements, readiness, tls }: GaugesDeps): void {
  metrics.gauge(BUILD_INFO, () => 1, { version: VERSION });
  metrics.gauge(READY, () => Number(readiness.report().ready));
  if (tls !== null) metrics.gauge(CERTIFICATE, () => tls.notAfter.getTime() / 1000);
  for (const placement of placements) {
    const { name, hub } = placement;
    addDatabaseGauges(metrics, placement, readiness);
    addRecordGauges(metrics, name, () => placement.status().sweeps.count);
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
  { name: placement, status }: GaugesDeps["placements"][number],
  readiness: GaugesDeps["readiness"],
): void {
  metrics.gauge(PLACEMENT_UP, () => Number(readiness.report().placements[placement] === "up"), { placement });
  const connections = () => {
    const { connections } = status();
    return connections === 0 ? 0 : connections + 1;
  };
  metrics.gauge(POOL_CONNECTIONS, connections, { placement });
  const open = () => {
    const { open, waiting } = status();
    return open + Number(waiting.isConnected);
  };
  metrics.gauge(POOL_OPEN, open, { placement });
  metrics.gauge(POOL_BUSY, () => status().busy, { placement });
  metrics.gauge(SWEEP_AGE, () => status().sweeps.ageMs / 1000, { placement });
  metrics.gauge(SWEEP_LAG, () => status().sweeps.lagMs / 1000, { placement });
}
