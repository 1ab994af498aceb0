import type { Verdict } from "../domain/registration.ts";
import type { ChangeFeed } from "../tenants/change-feed.ts";
import type { RegistryObserver } from "../tenants/registry/deps.ts";
import type { TenantServiceStatus } from "../tenants/service.ts";
import type { Validate } from "../tenants/validators/validate.ts";
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
    undecided({ id: tenant, generation, reason }) {
      log.warn(
        { tenant, generation: String(generation), reason },
        "a tenant stays pending: its validator could not be asked, and will be again",
      );
    },
    failed: (tenant, error) => log.warn({ tenant, error }, "a tenant's validation failed"),
  };
}

const VERDICTS = ["accepted", "refused", "uncertain"] as const satisfies readonly Verdict["kind"][];

/** Counts what validators say: of tenants that are registered, and of changes before they are made. */
export function countValidations(validate: Validate, metrics: Metrics): Validate {
  const validations = metrics.counter(
    "holdfast_tenant_validations_total",
    "Answers of tenants' validators to this server, by what they said; uncertain is a time-out, the network, 5xx.",
    ["verdict"],
  );
  for (const verdict of VERDICTS) validations(verdict);
  return async (registration, signal) => {
    const verdict = await validate(registration, signal);
    if (registration.validator.kind !== "none") validations(verdict.kind).value++;
    return verdict;
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

export function addChangeFeedGauges(metrics: Metrics, status: ChangeFeed["status"]): void {
  metrics.gauge(
    "holdfast_changes_listening",
    "1 while notifications of changed tenants and API keys are listened for; while they are not, changes are polled for.",
    () => Number(status().isListening),
  );
  metrics.gauge(
    "holdfast_changes_reading",
    "1 while changes of tenants and API keys are read; while they are not, this server serves by what it knew.",
    () => Number(status().isReading),
  );
}
