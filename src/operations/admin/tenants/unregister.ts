import type { TenantTable } from "../../../tenants/table.ts";
import { type Caller, notVisible } from "../../access.ts";
import { requireAdminOfAll } from "./access.ts";
import { applyHere, type OnError, type TenantControl } from "./view.ts";

export interface UnregisterTenantDeps {
  readonly table: Pick<TenantTable, "unregister">;
  readonly tenants: Pick<TenantControl, "changed">;
  readonly onError: OnError;
}

export type UnregisterTenant = (caller: Caller, id: string, reason: string) => Promise<void>;

/** Its records stay. */
export function createUnregisterTenant({ table, tenants, onError }: UnregisterTenantDeps): UnregisterTenant {
  return async ({ principal, deadline }, id, reason) => {
    requireAdminOfAll(principal);
    if (!(await table.unregister(id, { actor: principal.name, reason }, deadline))) throw notVisible(principal);
    await applyHere(tenants, id, onError);
  };
}
