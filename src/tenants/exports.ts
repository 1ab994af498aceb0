/** What users of `holdfast/tenants` name: the registry of tenants by itself, free of gRPC and SQL. */
export type { Clock } from "../clock.ts";
// biome-ignore lint/performance/noBarrelFile: a package has one entry, and what its users must name goes through it.
export { systemClock } from "../clock.ts";
export type { FaultCode } from "../domain/fault.ts";
export { Fault } from "../domain/fault.ts";
export type { Instant } from "../domain/instant.ts";
export type { Policy } from "../domain/record.ts";
export type { HostPath, TenantRegistration, TrustedIssuer, Validator, Verdict } from "../domain/registration.ts";
export type { Tenant, TenantHealth, TenantLimits } from "../domain/tenant.ts";
export { DEFAULT_POLICY, UNLIMITED } from "../domain/tenant.ts";
export type { HealthEvent } from "../domain/tenant-health.ts";
export { nextHealth } from "../domain/tenant-health.ts";
export { NO_HOST, normaliseHost } from "./hosts.ts";
export type {
  GenerationState,
  HealthChange,
  Phase,
  Registered,
  RegisterOptions,
  RegistryDeps,
  RegistryLimits,
  RegistryObserver,
  Resolved,
  TenantState,
  Transition,
} from "./registry/deps.ts";
export { TenantRegistry } from "./registry.ts";
export type { HealthState } from "./table.ts";
