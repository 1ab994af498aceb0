import { DEFAULT_TENANT, plainTenant, type Tenant } from "../domain/tenant.ts";
import type { TenantDirectory } from "./directory.ts";
import { NO_HOST, normaliseHost } from "./hosts.ts";

export interface Registration {
  readonly tenant: Tenant;
  /** In any spelling. */
  readonly hosts?: readonly string[];
}

/** A list that never changes; by itself, the default tenant and nobody else. */
export function createStaticDirectory(
  registrations: readonly Registration[] = [{ tenant: plainTenant(DEFAULT_TENANT, "Default") }],
): TenantDirectory {
  const byId = new Map(registrations.map(({ tenant }) => [tenant.id, tenant]));
  const byHost = new Map<string, Tenant>();
  for (const { tenant, hosts = [] } of registrations) for (const host of hosts) registerHost(byHost, host, tenant);
  return {
    async resolve(selector) {
      switch (selector.kind) {
        case "id":
          return byId.get(selector.id) ?? null;
        case "host":
          return byHost.get(selector.host) ?? null;
        case "issuer":
          return null;
      }
    },
  };
}

/** A host belongs to one tenant: a second one is an error, never a silent takeover. */
function registerHost(byHost: Map<string, Tenant>, spelling: string, tenant: Tenant): void {
  const host = normaliseHost(spelling);
  if (host === NO_HOST) throw new Error(`not a host: ${spelling}`);
  const owner = byHost.get(host);
  if (owner !== undefined && owner.id !== tenant.id) throw new Error(`host ${host} belongs to tenant ${owner.id}`);
  byHost.set(host, tenant);
}
