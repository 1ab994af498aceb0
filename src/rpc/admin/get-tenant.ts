import type { GetTenantRequestSchema, GetTenantResponseSchema } from "../../../gen/holdfast/v1/admin_pb.ts";
import type { GetTenant } from "../../operations/admin/tenants/get.ts";
import type { UnaryHandler } from "../pipeline.ts";
import { toTenant } from "../wire/registration.ts";

export function createGetTenantHandler(
  getTenant: GetTenant,
): UnaryHandler<typeof GetTenantRequestSchema, typeof GetTenantResponseSchema> {
  return async ({ tenantId }, caller) => ({ tenant: toTenant(await getTenant(caller, tenantId)) });
}
