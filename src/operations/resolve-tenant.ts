import { type Admission, admissionOf, type Tenant, type TenantSelector } from "../domain/tenant.ts";
import { NO_HOST, normaliseHost } from "../tenants/hosts.ts";
import type { Tenants } from "../tenants/tenants.ts";
import { type Caller, notVisible } from "./access.ts";

export interface ResolveTenantDeps {
  readonly tenants: Tenants;
}

export interface ResolvedTenant {
  readonly tenant: Tenant;
  readonly admission: Admission;
}

export type ResolveTenant = (caller: Caller, selector: TenantSelector) => Promise<ResolvedTenant>;

/** Any credential may ask, and is told of its own tenant only. */
export function createResolveTenant({ tenants }: ResolveTenantDeps): ResolveTenant {
  return async ({ principal, deadline }, selector) => {
    const normal = normalise(selector);
    const id = normal === null ? null : await tenants.find(normal, deadline);
    const visible = id !== null && (principal.tenant === null || principal.tenant === id);
    const entered = visible ? await tenants.enter(id, deadline) : null;
    if (entered === null) throw notVisible(principal);
    return { tenant: entered.tenant, admission: admissionOf(entered.tenant) };
  };
}

/** Null when the host is none. */
function normalise(selector: TenantSelector): TenantSelector | null {
  if (selector.kind !== "host") return selector;
  const host = normaliseHost(selector.host);
  return host === NO_HOST ? null : { ...selector, host };
}
