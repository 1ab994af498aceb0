import type { Principal } from "../../../auth/authenticator.ts";
import { Fault } from "../../../domain/fault.ts";
import { notVisible, requireRole } from "../../access.ts";

/** Operating is part of administering. */
export function requireOperator(principal: Principal): void {
  if (!principal.roles.has("admin")) requireRole(principal, "operate");
}

/** Who registers tenants says whose hosts and tokens are whose: nothing for somebody who belongs to one of them. */
export function requireAdminOfAll(principal: Principal): void {
  requireRole(principal, "admin");
  if (principal.tenant !== null) {
    throw new Fault("ROLE_REQUIRED", 'the credential has the role "admin" for its own tenant only');
  }
}

/** Before anything is looked up: what exists must not show in the time that the answer takes either. */
export function requireVisible(principal: Principal, id: string): void {
  if (principal.tenant !== null && principal.tenant !== id) throw notVisible(principal);
}
