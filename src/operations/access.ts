import type { Principal, Role } from "../auth/authenticator.ts";
import { Fault } from "../domain/fault.ts";
import { DEFAULT_TENANT, type Tenant } from "../domain/tenant.ts";
import type { TenantRuntime } from "../tenants/runtime.ts";
import type { Entered, Tenants } from "../tenants/tenants.ts";

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
  /**
   * Tells this one of it, at once if it is so; one at most, the call's operation. Absent: the signal does. A signal takes a kilobyte with its listener, and is
   * made when somebody asks for it.
   */
  whenGone?(who: LeftBehind): void;
  /** Aborted when the caller's connection is to be given up: a stream is to end and be asked for again. */
  readonly retiring: AbortSignal;
  /**
   * Resolves once it is known whether the answer has reached the caller's side: false when the connection broke first.
   * To be asked for before the call is answered.
   */
  answered(): Promise<boolean>;
}

/** Who does something for a caller that may go. */
export interface LeftBehind {
  /** @param why the reason of the signal */
  callerGone(why: unknown): void;
}

/** Of a call that may take long. */
export interface WaitingCaller extends Caller {
  readonly context: Presence;
}

export function tellWhenGone(caller: Presence, who: LeftBehind): void {
  if (caller.whenGone !== undefined) caller.whenGone(who);
  else if (caller.signal.aborted) who.callerGone(caller.signal.reason);
  else caller.signal.addEventListener("abort", () => who.callerGone(caller.signal.reason), { once: true });
}

/** A tenant with what serves it. */
export interface Served {
  readonly tenant: Tenant;
  readonly runtime: TenantRuntime;
}

/** The tenant that the caller names, if it is one that the caller may see; the empty name is the credential's own. */
export async function enterTenant(
  tenants: Pick<Tenants, "enter">,
  caller: Caller,
  named: string,
  role: Role,
): Promise<Entered> {
  return visible(await tenants.enter(visibleId(caller, named, role), caller.deadline), caller);
}

/** The same for calls that need the tenant's records and acquire nothing. */
export async function serveTenant(
  tenants: Pick<Tenants, "enter">,
  caller: Caller,
  named: string,
  role: Role,
): Promise<Served> {
  return requireRuntime(visible(await tenants.enter(visibleId(caller, named, role), caller.deadline), caller));
}

/** Decided before anything is looked up: what exists must not show in the time that the answer takes either. */
function visibleId({ principal }: Caller, named: string, role: Role): string {
  requireRole(principal, role);
  const id = named === "" ? (principal.tenant ?? DEFAULT_TENANT) : named;
  if (principal.tenant !== null && principal.tenant !== id) throw notVisible(principal);
  return id;
}

function visible(entered: Entered | null, { principal }: Caller): Entered {
  if (entered === null) throw notVisible(principal);
  return entered;
}

/** Another server may have what this one could not build. */
export function requireRuntime({ tenant, runtime }: Entered): Served {
  if (runtime === null) throw new Fault("STORE_UNAVAILABLE", "this server cannot serve the tenant now");
  return { tenant, runtime };
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
