import type { FaultCode } from "./fault.ts";
import type { Instant } from "./instant.ts";
import { DEFAULTS } from "./limits.ts";
import type { Policy } from "./record.ts";

/** The tenant of calls that name none, on a server without authentication. */
export const DEFAULT_TENANT = "default";

export type TenantHealth = "pending" | "healthy" | "unverified" | "disabled";

/** 0 is no limit. */
export interface TenantLimits {
  /** For each server. */
  readonly newRecordsPerSecond: number;
  /** How many may come at once after a pause; 0: a second's worth. */
  readonly newRecordsBurst: number;
  readonly liveRecords: bigint;
  readonly storedBytes: bigint;
  readonly leases: number;
  /** Waiting calls at once, for each server. */
  readonly waiters: number;
}

export interface Tenant {
  readonly id: string;
  readonly displayName: string;
  readonly health: TenantHealth;
  /** Redacted: no address, credential or driver text. */
  readonly healthReason: string;
  /** null: not known, the tenant was never validated. */
  readonly healthSince: Instant | null;
  /** Acquires nothing; what is held may finish, what has ended is replayed. */
  readonly draining: boolean;
  /** The healths in which it acquires. */
  readonly serveStates: readonly TenantHealth[];
  readonly limits: TenantLimits;
  /** Of records whose first claim leaves it open. */
  readonly policy: Policy;
  /** Changes with every change of the registration. */
  readonly generation: bigint;
}

/** Names a tenant in one of three ways. */
export type TenantSelector =
  | { readonly kind: "id"; readonly id: string }
  | { readonly kind: "host"; readonly host: string; readonly path: string }
  | { readonly kind: "issuer"; readonly issuer: string; readonly subject: string };

/** What a caller should do with work of a tenant. */
export type Admission = "admit" | "admit-degraded" | "retry-later" | "refuse";

export const UNLIMITED: TenantLimits = {
  newRecordsPerSecond: 0,
  newRecordsBurst: 0,
  liveRecords: 0n,
  storedBytes: 0n,
  leases: 0,
  waiters: 0,
};

export const DEFAULT_POLICY: Policy = {
  hold: false,
  maxAttempts: DEFAULTS.maxAttempts,
  maxExecutionMs: null,
  resultRetentionMs: DEFAULTS.resultRetentionMs,
  tombstoneRetentionMs: DEFAULTS.tombstoneRetentionMs,
};

/** A tenant that nobody validates: healthy at once. */
export function plainTenant(id: string, displayName = id): Tenant {
  return {
    id,
    displayName,
    health: "healthy",
    healthReason: "",
    healthSince: null,
    draining: false,
    serveStates: ["healthy", "unverified"],
    limits: UNLIMITED,
    policy: DEFAULT_POLICY,
    generation: 1n,
  };
}

const UNSERVED = {
  pending: "TENANT_PENDING",
  healthy: "TENANT_UNVERIFIED",
  unverified: "TENANT_UNVERIFIED",
  disabled: "TENANT_DISABLED",
} as const satisfies Record<TenantHealth, FaultCode>;

/** Why the tenant acquires nothing; null when it may. */
export function refuseAcquire(tenant: Tenant): FaultCode | null {
  if (!tenant.serveStates.includes(tenant.health)) return UNSERVED[tenant.health];
  return tenant.draining ? "TENANT_DRAINING" : null;
}

/** The verdict that ResolveTenant gives: the same rule as `refuseAcquire`, worded for callers. */
export function admissionOf(tenant: Tenant): Admission {
  const refusal = refuseAcquire(tenant);
  if (refusal === "TENANT_PENDING") return "retry-later";
  if (refusal !== null) return "refuse";
  return tenant.health === "healthy" ? "admit" : "admit-degraded";
}
