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
    const mayBeSeen = (id: string) => principal.tenant === null || principal.tenant === id;
    // Before anything is looked up: what exists must not show in the time that the answer takes either. A host is looked
    // up in the same way whether it is somebody else's or nobody's.
    if (normal === null || (normal.kind === "id" && !mayBeSeen(normal.id))) throw notVisible(principal);
    const id = normal.kind === "id" ? normal.id : await tenants.find(normal, deadline);
    const entered = id !== null && mayBeSeen(id) ? await tenants.enter(id, deadline) : null;
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
