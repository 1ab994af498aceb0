import type { Principal, Role } from "../../../auth/authenticator.ts";
import { Fault } from "../../../domain/fault.ts";
import type { Tenants } from "../../../tenants/tenants.ts";
import { type Caller, type Served, serveTenant } from "../../access.ts";
import { CALLS_OF_CALLER_MAX } from "../caller-limit.ts";

/** Reconcilers find their work in the list. */
export const MAY_LIST: readonly Role[] = ["claim", "read", "operate", "admin"];
export const MAY_LOOK: readonly Role[] = ["read", "operate", "admin"];
export const MAY_CHANGE: readonly Role[] = ["operate", "admin"];

/** Lists and timelines at once of somebody who may only claim: many workers share a credential, and few of them look. */
export const LOOKS_OF_CLAIMER_MAX = 4;

/** On this server. */
export function looksMax({ roles }: Pick<Principal, "roles">): number {
  return MAY_LOOK.some((role) => roles.has(role)) ? CALLS_OF_CALLER_MAX : LOOKS_OF_CLAIMER_MAX;
}

/**
 * The tenant whose records the caller is about, for whoever has one of the roles. Its health and its drain do not matter:
 * what is there may be looked at and mended.
 */
export async function serveRecords(
  tenants: Pick<Tenants, "enter">,
  caller: Caller,
  named: string,
  roles: readonly Role[],
): Promise<Served> {
  const role = roles.find((candidate) => caller.principal.roles.has(candidate));
  if (role === undefined) {
    const names = roles.map((name) => `"${name}"`).join(", ");
    throw new Fault("ROLE_REQUIRED", `the credential has none of the roles ${names}`);
  }
  return serveTenant(tenants, caller, named, role);
}
