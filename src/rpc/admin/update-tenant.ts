import type { UpdateTenantRequestSchema, UpdateTenantResponseSchema } from "../../../gen/holdfast/v1/admin_pb.ts";
import type { UpdateTenant } from "../../operations/admin/tenants/update.ts";
import type { UnaryHandler } from "../pipeline.ts";
import { declarationOf, toTenant } from "../wire/registration.ts";

export function createUpdateTenantHandler(
  updateTenant: UpdateTenant,
): UnaryHandler<typeof UpdateTenantRequestSchema, typeof UpdateTenantResponseSchema> {
  return async ({ registration, expectedGeneration, reason }, caller) => {
    const view = await updateTenant(caller, {
      declaration: declarationOf(registration),
      expectedGeneration: expectedGeneration === 0n ? null : expectedGeneration,
      reason,
    });
    return { tenant: toTenant(view) };
  };
}
