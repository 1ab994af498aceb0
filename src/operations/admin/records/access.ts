import type { Role } from "../../../auth/authenticator.ts";
import { Fault } from "../../../domain/fault.ts";
import type { Tenants } from "../../../tenants/tenants.ts";
import { type Caller, type Served, serveTenant } from "../../access.ts";

/** Reconcilers find their work in the list. */
export const MAY_LIST: readonly Role[] = ["claim", "read", "operate", "admin"];
export const MAY_LOOK: readonly Role[] = ["read", "operate", "admin"];
export const MAY_CHANGE: readonly Role[] = ["operate", "admin"];

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
