import type { Principal } from "../../../auth/authenticator.ts";
import { notVisible, requireRole } from "../../access.ts";

/** The tenant whose keys the caller is about; null for those of every tenant. The empty name is the caller's own. */
export function requireReach(principal: Principal, named: string): string | null {
  requireRole(principal, "admin");
  if (principal.tenant !== null && named !== "" && named !== principal.tenant) throw notVisible(principal);
  return named === "" ? principal.tenant : named;
}
