import type { AdminClient } from "../../client/admin.ts";
import type { Rpc } from "../../client/runtime.ts";
import { toHoldfastError } from "../../client/wire-error.ts";
import { DEFAULT_TENANT } from "../../domain/tenant.ts";

export interface TenantDeps {
  readonly admin: Pick<AdminClient, "listTenants">;
  readonly records: Pick<Rpc, "resolveTenant">;
}

/**
 * Whose records a call is about that names no tenant, for people: the call itself goes on naming none, so that the server
 * decides. Null: the credential has a tenant of its own, and may not be told which.
 *
 * A credential of one tenant is told of no other one, so whoever is told of the default tenant means that one.
 */
export async function tenantMeant({ admin, records }: TenantDeps, named: string): Promise<string | null> {
  if (named !== "") return named;
  if (await isAnswered(() => records.resolveTenant({ selector: { case: "tenantId", value: DEFAULT_TENANT } }))) {
    return DEFAULT_TENANT;
  }
  const seen: string[] = [];
  await isAnswered(async () => {
    const { tenants } = await admin.listTenants({ pageSize: 2 });
    seen.push(...tenants.flatMap(({ registration }) => (registration === undefined ? [] : [registration.tenantId])));
  });
  return seen.length === 1 ? (seen[0] ?? null) : null;
}

/** To go behind "of". */
export function tenantText(tenant: string | null): string {
  return tenant === null ? "the credential's own tenant" : `tenant ${tenant}`;
}

const NOT_TOLD: ReadonlySet<string> = new Set(["TENANT_FORBIDDEN", "TENANT_NOT_FOUND", "ROLE_REQUIRED"]);

async function isAnswered(call: () => Promise<unknown>): Promise<boolean> {
  try {
    await call();
    return true;
  } catch (error) {
    if (!NOT_TOLD.has(toHoldfastError(error).reason)) throw error;
    return false;
  }
}
