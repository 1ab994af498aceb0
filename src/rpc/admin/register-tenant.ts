import type { RegisterTenantRequestSchema, RegisterTenantResponseSchema } from "../../../gen/holdfast/v1/admin_pb.ts";
import type { RegisterTenant } from "../../operations/admin/tenants/register.ts";
import type { UnaryHandler } from "../pipeline.ts";
import { declarationOf, toTenant } from "../wire/registration.ts";

export function createRegisterTenantHandler(
  registerTenant: RegisterTenant,
): UnaryHandler<typeof RegisterTenantRequestSchema, typeof RegisterTenantResponseSchema> {
  return async ({ registration, awaitFirstValidation, reason }, caller) => {
    const declaration = declarationOf(registration);
    return { tenant: toTenant(await registerTenant(caller, { declaration, awaitFirstValidation, reason })) };
  };
}
