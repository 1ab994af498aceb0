import { type Admission, admissionOf, type Tenant } from "../../../domain/tenant.ts";
import type { Change, HealthState, StoredTenant } from "../../../tenants/table.ts";

/** What this server has of a tenant. */
export type RuntimeState = "cold" | "building" | "built" | "failed";

/** The tenants as this server serves them, to be told of what was changed through it. */
export interface TenantControl {
  /** Builds and validates, and keeps the verdict. Rejects with what the validator threw, and keeps that too. */
  recheck(id: string, change: Change): Promise<unknown>;
  stateOf(id: string): RuntimeState;
  /** Disabled, and why, when this server could not build it, whatever holds elsewhere; null otherwise. */
  failureOf(id: string): HealthState | null;
  /** Resolves when what was just changed holds here; by itself it would be seen within a second. */
  changed(id: string): Promise<void>;
}

/** What of it shows in a view. */
export type SeenHere = Pick<TenantControl, "stateOf" | "failureOf">;

/** A tenant as it stands, and as the answering server has it. */
export interface TenantView {
  readonly stored: StoredTenant;
  readonly admission: Admission;
  readonly runtime: RuntimeState;
}

export function viewOf(kept: StoredTenant, tenants: SeenHere): TenantView {
  const { id } = kept.registration;
  const stored = { ...kept, health: tenants.failureOf(id) ?? kept.health };
  return { stored, admission: admissionOf(tenantOf(stored)), runtime: tenants.stateOf(id) };
}

/** Tells who must be told of a failure that is nobody's answer. Must not throw. */
export type OnError = (error: unknown) => void;

/** The change is committed, and followed by every server: that it could not be applied here yet is no failure of it. */
export async function applyHere(tenants: Pick<TenantControl, "changed">, id: string, onError: OnError): Promise<void> {
  try {
    await tenants.changed(id);
  } catch (error) {
    onError(error);
  }
}

function tenantOf({ registration, health, draining, generation }: StoredTenant): Tenant {
  const { id, displayName, serveStates, limits, policy } = registration;
  return {
    ...{ id, displayName, serveStates, limits, policy, draining, generation },
    health: health.health,
    healthReason: health.reason,
    healthSince: health.since,
  };
}
