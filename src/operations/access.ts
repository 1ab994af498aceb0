import type { Principal, Role } from "../auth/authenticator.ts";
import { Fault } from "../domain/fault.ts";
import { DEFAULT_TENANT, type Tenant } from "../domain/tenant.ts";
import type { TenantDirectory } from "../tenants/directory.ts";

/** Who asks, and until when; the first argument of every operation. */
export interface Caller {
  readonly principal: Principal;
  /** Instant of `Clock.monotonicMs()`; Infinity without one. */
  readonly deadline: number;
}

/** Whether the caller of a call that may take long is still there. */
export interface Presence {
  /** Aborted when the caller has gone or the deadline has passed. */
  readonly signal: AbortSignal;
  /** Aborted when the caller's connection is to be given up: a stream is to end and be asked for again. */
  readonly retiring: AbortSignal;
  /**
   * Resolves once it is known whether the answer has reached the caller's side: false when the connection broke first.
   * To be asked for before the call is answered.
   */
  answered(): Promise<boolean>;
}

/** Of a call that may take long. */
export interface WaitingCaller extends Caller {
  readonly context: Presence;
}

/** The tenant that the caller names, if it is one that the caller may see; the empty name is the credential's own. */
export async function enterTenant(
  tenants: TenantDirectory,
  { principal, deadline }: Caller,
  named: string,
  role: Role,
): Promise<Tenant> {
  requireRole(principal, role);
  const id = named === "" ? (principal.tenant ?? DEFAULT_TENANT) : named;
  if (principal.tenant !== null && principal.tenant !== id) throw notVisible(principal);
  const tenant = await tenants.resolve({ kind: "id", id }, deadline);
  if (tenant === null) throw notVisible(principal);
  return tenant;
}

export function requireRole({ roles }: Principal, role: Role): void {
  if (!roles.has(role)) throw new Fault("ROLE_REQUIRED", `the credential lacks the role "${role}"`);
}

/** Unknown and not visible are one answer, so that nobody can find out whose names exist. */
export function notVisible({ authenticated }: Principal): Fault {
  return authenticated
    ? new Fault("TENANT_FORBIDDEN", "the tenant is unknown or not visible to this credential")
    : new Fault("TENANT_NOT_FOUND", "there is no such tenant");
}
