import { DEFAULT_TENANT, plainTenant, type Tenant } from "../domain/tenant.ts";
import { NO_HOST, normaliseHost } from "./hosts.ts";
import type { TenantRuntime } from "./runtime.ts";
import type { Entered, Tenants } from "./tenants.ts";

export interface StaticTenant {
  readonly tenant: Tenant;
  /** In any spelling. */
  readonly hosts?: readonly string[];
}

/** A list that never changes, all on one runtime; by itself, the default tenant and nobody else. */
export function createStaticTenants(
  runtime: TenantRuntime,
  all: readonly StaticTenant[] = [{ tenant: plainTenant(DEFAULT_TENANT, "Default") }],
): Tenants {
  const byId = new Map(all.map(({ tenant }) => [tenant.id, Promise.resolve<Entered>({ tenant, runtime })]));
  const nobody = Promise.resolve(null);
  const byHost = new Map<string, string>();
  for (const { tenant, hosts = [] } of all) for (const host of hosts) addHost(byHost, host, tenant.id);
  return {
    enter: (id) => byId.get(id) ?? nobody,
    async find(selector) {
      switch (selector.kind) {
        case "id":
          return byId.has(selector.id) ? selector.id : null;
        case "host":
          return byHost.get(selector.host) ?? null;
        case "issuer":
          return null;
      }
    },
  };
}

/** A host belongs to one tenant: a second one is an error, never a silent takeover. */
function addHost(byHost: Map<string, string>, spelling: string, id: string): void {
  const host = normaliseHost(spelling);
  if (host === NO_HOST) throw new Error(`not a host: ${spelling}`);
  const owner = byHost.get(host);
  if (owner !== undefined && owner !== id) throw new Error(`host ${host} belongs to tenant ${owner}`);
  byHost.set(host, id);
}
