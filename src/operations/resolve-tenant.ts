import { type Admission, admissionOf, type Tenant, type TenantSelector } from "../domain/tenant.ts";
import type { TenantDirectory } from "../tenants/directory.ts";
import { NO_HOST, normaliseHost } from "../tenants/hosts.ts";
import { type Caller, notVisible } from "./access.ts";

export interface ResolveTenantDeps {
  readonly tenants: TenantDirectory;
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
    const tenant = normal === null ? null : await tenants.resolve(normal, deadline);
    const visible = tenant !== null && (principal.tenant === null || principal.tenant === tenant.id);
    if (!visible) throw notVisible(principal);
    return { tenant, admission: admissionOf(tenant) };
  };
}

/** Null when the host is none. */
function normalise(selector: TenantSelector): TenantSelector | null {
  if (selector.kind !== "host") return selector;
  const host = normaliseHost(selector.host);
  return host === NO_HOST ? null : { ...selector, host };
}
