import type { RegistryObserver } from "../tenants/registry/deps.ts";
import type { TenantServiceStatus } from "../tenants/service.ts";
import type { Log } from "./log.ts";
import type { Metrics } from "./metrics.ts";

export interface TenantMetricsDeps {
  readonly metrics: Metrics;
  readonly log: Pick<Log, "info" | "warn">;
}

const HEALTHS = ["pending", "healthy", "unverified", "disabled"] as const;

/** What becomes of tenants on this server. No series names one: there may be a hundred thousand. */
export function createTenantMetrics({ metrics, log }: TenantMetricsDeps): RegistryObserver {
  const builds = metrics.counter("holdfast_tenant_builds_total", "Tenants built on this server.", ["result"]);
  const [succeeded, failed] = [builds("succeeded"), builds("failed")];
  const transitions = metrics.counter(
    "holdfast_tenant_transitions_total",
    "Changes of the health of tenants, as this server has seen them, by the health that holds since.",
    ["to"],
  );
  for (const health of HEALTHS) transitions(health);
  return {
    built(tenant, ms, error) {
      if (error === null) {
        succeeded.value++;
        return;
      }
      failed.value++;
      log.warn({ tenant, ms, error }, "a tenant could not be built");
    },
    transition({ id: tenant, from, to, reason, event }) {
      transitions(to).value++;
      log.info({ tenant, from, to, reason, event }, "a tenant's health has changed");
    },
    failed: (tenant, error) => log.warn({ tenant, error }, "a tenant's validation failed"),
  };
}

export function addTenantGauges(metrics: Metrics, status: () => TenantServiceStatus): void {
  for (const health of HEALTHS) {
    const help =
      "Tenants that this server knows of, by their health: those that were called lately, and the eager ones.";
    metrics.gauge("holdfast_tenants", help, () => status().healths[health], { health });
  }
  metrics.gauge("holdfast_tenants_built", "Tenants that are built here.", () => status().built);
}
