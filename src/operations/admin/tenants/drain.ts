import type { TenantTable } from "../../../tenants/table.ts";
import { type Caller, notVisible } from "../../access.ts";
import { requireOperator, requireVisible } from "./access.ts";
import { applyHere, type OnError, type SeenHere, type TenantControl, type TenantView, viewOf } from "./view.ts";

export interface DrainTenantDeps {
  readonly table: Pick<TenantTable, "drain">;
  readonly tenants: SeenHere & Pick<TenantControl, "changed">;
  readonly onError: OnError;
}

export interface DrainTenantInput {
  readonly id: string;
  /** False: let it acquire again. */
  readonly draining: boolean;
  readonly reason: string;
}

export type DrainTenant = (caller: Caller, input: DrainTenantInput) => Promise<TenantView>;

export function createDrainTenant({ table, tenants, onError }: DrainTenantDeps): DrainTenant {
  return async ({ principal, deadline }, { id, draining, reason }) => {
    requireOperator(principal);
    requireVisible(principal, id);
    const stored = await table.drain(id, draining, { actor: principal.name, reason }, deadline);
    if (stored === null) throw notVisible(principal);
    await applyHere(tenants, id, onError);
    return viewOf(stored, tenants);
  };
}
