import type { RecheckTenantRequestSchema, RecheckTenantResponseSchema } from "../../../gen/holdfast/v1/admin_pb.ts";
import type { RecheckTenant } from "../../operations/admin/tenants/recheck.ts";
import type { UnaryHandler } from "../pipeline.ts";
import { toTenant } from "../wire/registration.ts";

export function createRecheckTenantHandler(
  recheckTenant: RecheckTenant,
): UnaryHandler<typeof RecheckTenantRequestSchema, typeof RecheckTenantResponseSchema> {
  return async ({ tenantId }, caller) => ({ tenant: toTenant(await recheckTenant(caller, tenantId)) });
}
