import type { Verdict } from "../domain/registration.ts";
import type { ChangeFeed } from "../tenants/change-feed.ts";
import type { RegistryObserver } from "../tenants/registry/deps.ts";
import type { TenantServiceStatus } from "../tenants/service.ts";
import type { Validate } from "../tenants/validators/validate.ts";
import type { Log } from "./log.ts";
import type { CounterSpec, GaugeSpec } from "./metric-spec.ts";
import type { Metrics } from "./metrics.ts";

export interface TenantMetricsDeps {
  readonly metrics: Metrics;
  readonly log: Pick<Log, "info" | "warn">;
}

const HEALTHS = ["pending", "healthy", "unverified", "disabled"] as const;
const VERDICTS = ["accepted", "refused", "uncertain"] as const satisfies readonly Verdict["kind"][];

export const BUILDS = {
  kind: "counter",
  name: "holdfast_tenant_builds_total",
  unit: "builds",
  help: "Tenants built on this server.",
  advice: "failed: its placement or master key is not there on this server. The log names the tenant.",
  labels: { result: ["succeeded", "failed"] },
} as const satisfies CounterSpec;

export const TRANSITIONS = {
  kind: "counter",
  name: "holdfast_tenant_transitions_total",
  unit: "changes",
  help: "Changes of the health of tenants, as this server has seen them, by the health that holds since.",
  advice: "The log names the tenant and why.",
  labels: { to: HEALTHS },
} as const satisfies CounterSpec;

export const VALIDATIONS = {
  kind: "counter",
  name: "holdfast_tenant_validations_total",
  unit: "answers",
  help: "Answers of tenants' validators to this server, by what they said; uncertain is a time-out, the network, 5xx.",
  advice: "Mostly uncertain: this server cannot reach the validators, or they are down.",
  labels: { verdict: VERDICTS },
} as const satisfies CounterSpec;

export const TENANTS = {
  kind: "gauge",
  name: "holdfast_tenants",
  unit: "tenants",
  help: "Tenants that this server knows of, by their health: those that were called lately, and the eager ones.",
  advice: "disabled and unverified ones acquire nothing: `holdfast tenants list` names them, `tenants get` says why.",
  labels: { health: HEALTHS },
  together: "max",
} as const satisfies GaugeSpec;

export const TENANTS_BUILT = {
  kind: "gauge",
  name: "holdfast_tenants_built",
  unit: "tenants",
  help: "Tenants that are built here.",
  advice: "A few KiB each.",
  labels: {},
  together: "max",
} as const satisfies GaugeSpec;

export const CHANGES_LISTENING = {
  kind: "gauge",
  name: "holdfast_changes_listening",
  unit: "1 or 0",
  help: "1 while notifications of changed tenants and API keys are listened for; while they are not, changes are polled for.",
  advice: "0: changes arrive within 2 s instead of at once. As `holdfast_listener_up`.",
  labels: {},
  together: "min",
} as const satisfies GaugeSpec;

export const CHANGES_READING = {
  kind: "gauge",
  name: "holdfast_changes_reading",
  unit: "1 or 0",
  help: "1 while changes of tenants and API keys are read; while they are not, this server serves by what it knew.",
  advice: "0: main cannot be read. A revoked API key goes on working here, for ten minutes at most.",
  labels: {},
  together: "min",
} as const satisfies GaugeSpec;

/** What becomes of tenants on this server. No series names one: there may be a hundred thousand. */
export function createTenantMetrics({ metrics, log }: TenantMetricsDeps): RegistryObserver {
  const builds = metrics.counter(BUILDS);
  const [succeeded, failed] = [builds("succeeded"), builds("failed")];
  const transitions = metrics.counter(TRANSITIONS);
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

/** Counts what validators say: of tenants that are registered, and of changes before they are made. */
export function countValidations(validate: Validate, metrics: Metrics): Validate {
  const validations = metrics.counter(VALIDATIONS);
  return async (registration, signal) => {
    const verdict = await validate(registration, signal);
    if (registration.validator.kind !== "none") validations(verdict.kind).value++;
    return verdict;
  };
}

export function addTenantGauges(metrics: Metrics, status: () => TenantServiceStatus): void {
  for (const health of HEALTHS) metrics.gauge(TENANTS, () => status().healths[health], { health });
  metrics.gauge(TENANTS_BUILT, () => status().built);
}

export function addChangeFeedGauges(metrics: Metrics, status: ChangeFeed["status"]): void {
  metrics.gauge(CHANGES_LISTENING, () => Number(status().isListening));
  metrics.gauge(CHANGES_READING, () => Number(status().isReading));
}
