import type {
  UnregisterTenantRequestSchema,
  UnregisterTenantResponseSchema,
} from "../../../gen/holdfast/v1/admin_pb.ts";
import type { UnregisterTenant } from "../../operations/admin/tenants/unregister.ts";
import type { UnaryHandler } from "../pipeline.ts";

export function createUnregisterTenantHandler(
  unregisterTenant: UnregisterTenant,
): UnaryHandler<typeof UnregisterTenantRequestSchema, typeof UnregisterTenantResponseSchema> {
  return async ({ tenantId, reason }, caller) => {
    await unregisterTenant(caller, tenantId, reason);
    return {};
  };
}
