import type { TenantTable } from "../../../tenants/table.ts";
import { type Caller, notVisible } from "../../access.ts";
import { requireOperator, requireVisible } from "./access.ts";
import { type SeenHere, type TenantView, viewOf } from "./view.ts";

export interface GetTenantDeps {
  readonly table: Pick<TenantTable, "read">;
  readonly tenants: SeenHere;
}

export type GetTenant = (caller: Caller, id: string) => Promise<TenantView>;

export function createGetTenant({ table, tenants }: GetTenantDeps): GetTenant {
  return async ({ principal, deadline }, id) => {
    requireOperator(principal);
    requireVisible(principal, id);
    const stored = await table.read(id, deadline);
    if (stored === null) throw notVisible(principal);
    return viewOf(stored, tenants);
  };
}
