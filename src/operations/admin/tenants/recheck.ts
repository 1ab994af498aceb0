import { Fault } from "../../../domain/fault.ts";
import type { TenantTable } from "../../../tenants/table.ts";
import { type Caller, notVisible } from "../../access.ts";
import { requireOperator, requireVisible } from "./access.ts";
import { type SeenHere, type TenantControl, type TenantView, viewOf } from "./view.ts";

export interface RecheckTenantDeps {
  readonly table: Pick<TenantTable, "read">;
  readonly tenants: SeenHere & Pick<TenantControl, "recheck">;
}

export type RecheckTenant = (caller: Caller, id: string) => Promise<TenantView>;

/** Whatever a validator throws is thrown here, after the tenant's health was changed by it. */
export function createRecheckTenant({ table, tenants }: RecheckTenantDeps): RecheckTenant {
  return async ({ principal, deadline }, id) => {
    requireOperator(principal);
    requireVisible(principal, id);
    if ((await table.read(id, deadline)) === null) throw notVisible(principal);
    try {
      await tenants.recheck(id, { actor: principal.name, reason: "" });
    } catch (error) {
      // As below, in the words that this caller may hear.
      if (error instanceof Fault && error.code === "TENANT_NOT_FOUND") throw notVisible(principal);
      throw error;
    }
    const now = await table.read(id, deadline);
    // Somebody has unregistered it meanwhile.
    if (now === null) throw notVisible(principal);
    return viewOf(now, tenants);
  };
}
