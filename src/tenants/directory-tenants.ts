import type { TenantDirectory } from "./directory.ts";
import type { TenantRuntime } from "./runtime.ts";
import type { Tenants } from "./tenants.ts";

/** Every tenant of a directory, on one runtime. */
export function createDirectoryTenants(directory: TenantDirectory, runtime: TenantRuntime): Tenants {
  return {
    async enter(id, deadline) {
      const tenant = await directory.resolve({ kind: "id", id }, deadline);
      return tenant && { tenant, runtime };
    },
    find: async (selector, deadline) => (await directory.resolve(selector, deadline))?.id ?? null,
  };
}
