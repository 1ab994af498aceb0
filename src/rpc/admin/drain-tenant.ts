import type { DrainTenantRequestSchema, DrainTenantResponseSchema } from "../../../gen/holdfast/v1/admin_pb.ts";
import type { DrainTenant } from "../../operations/admin/tenants/drain.ts";
import type { UnaryHandler } from "../pipeline.ts";
import { toTenant } from "../wire/registration.ts";

export function createDrainTenantHandler(
  drainTenant: DrainTenant,
): UnaryHandler<typeof DrainTenantRequestSchema, typeof DrainTenantResponseSchema> {
  return async ({ tenantId, resume, reason }, caller) => ({
    tenant: toTenant(await drainTenant(caller, { id: tenantId, draining: !resume, reason })),
  });
}
