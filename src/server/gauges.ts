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
  WORKER_BUSY,
  WORKER_ENDS,
  WORKERS_READY,
} from "../telemetry/server-metrics.ts";
import { addWaitingGauges } from "../telemetry/waiting-metrics.ts";
import type { Placement } from "./placement.ts";
import type { Readiness } from "./readiness.ts";
import type { Tls } from "./tls.ts";
import { VERSION } from "./version.ts";

export interface StartGaugesDeps {
  /** The names of all that are configured. */
  readonly placements: readonly string[];
  readonly readiness: Pick<Readiness, "report">;
  /** Null: clear text. */
  readonly tls: Pick<Tls, "notAfter"> | null;
  /** Of this process among those of the server, from 1. */
  readonly worker: number;
}

/** There from the first scrape on: a server that waits for its database is to be seen to do so, by the alerts too. */
export function addStartGauges(metrics: Metrics, { placements, readiness, tls, worker }: StartGaugesDeps): void {
  const ready = () => Number(readiness.report().ready);
  metrics.gauge(BUILD_INFO, () => 1, { version: VERSION });
  metrics.gauge(READY, ready);
  metrics.gauge(WORKERS_READY, ready);
  metrics.counter(WORKER_ENDS);
  metrics.gauge(WORKER_BUSY, createBusyShare(), { worker: String(worker) });
  if (tls !== null) metrics.gauge(CERTIFICATE, () => tls.notAfter.getTime() / 1000);
  for (const placement of placements) {
    metrics.gauge(PLACEMENT_UP, () => Number(readiness.report().placements[placement] === "up"), { placement });
  }
}

/** Of the time since it was asked before. */
function createBusyShare(): () => number {
  let before = performance.eventLoopUtilization();
  return () => {
    const now = performance.eventLoopUtilization();
    const { utilization } = performance.eventLoopUtilization(now, before);
    before = now;
    return utilization;
  };
}

/** What only those can tell that stand on a database. */
export function addPlacementGauges(
  metrics: Metrics,
  placements: readonly Pick<Placement, "name" | "hub" | "status">[],
): void {
  for (const placement of placements) {
    const { name, hub } = placement;
    addDatabaseGauges(metrics, placement);
    addRecordGauges(metrics, name, () => placement.status().sweeps.count);
    addWaitingGauges({
      ...{ metrics, hub, placement: name },
      isListening: () => placement.status().waiting.mode === "notified",
      isWanted: () => placement.status().waiting.isWanted,
    });
  }
}

/**
 * The connection that listens for those who wait counts beside the backend's own, but it never has a statement under way
 * to speak of. The one that listens for changes of tenants has gauges of its own.
 */
function addDatabaseGauges(metrics: Metrics, { name: placement, status }: Pick<Placement, "name" | "status">): void {
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
