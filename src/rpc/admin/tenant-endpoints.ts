import { AdminService } from "../../../gen/holdfast/v1/admin_pb.ts";
import type { Clock } from "../../clock.ts";
import type { CallerLimit } from "../../operations/admin/caller-limit.ts";
import type { DeclarationTerms } from "../../operations/admin/tenants/declaration.ts";
import { createDrainTenant } from "../../operations/admin/tenants/drain.ts";
import { createGetTenant } from "../../operations/admin/tenants/get.ts";
import { createListTenants } from "../../operations/admin/tenants/list.ts";
import { createRecheckTenant } from "../../operations/admin/tenants/recheck.ts";
import { createRegisterTenant } from "../../operations/admin/tenants/register.ts";
import { createUnregisterTenant } from "../../operations/admin/tenants/unregister.ts";
import { createUpdateTenant, type ValidateTenant } from "../../operations/admin/tenants/update.ts";
import type { OnError, TenantControl } from "../../operations/admin/tenants/view.ts";
import type { TenantTable } from "../../tenants/table.ts";
import type { Endpoint } from "../endpoint.ts";
import { createUnary, type PipelineDeps } from "../pipeline.ts";
import { noRules } from "../rules.ts";
import { createDrainTenantHandler } from "./drain-tenant.ts";
import { createGetTenantHandler } from "./get-tenant.ts";
import { createListTenantsHandler, listTenantsBytes } from "./list-tenants.ts";
import { createRecheckTenantHandler } from "./recheck-tenant.ts";
import { createRegisterTenantHandler } from "./register-tenant.ts";
import { registerTenantRules, updateTenantRules } from "./rules.ts";
import { createUnregisterTenantHandler } from "./unregister-tenant.ts";
import { createUpdateTenantHandler } from "./update-tenant.ts";

export interface TenantEndpointDeps extends PipelineDeps {
  readonly table: TenantTable;
  readonly tenants: TenantControl;
  readonly terms: DeclarationTerms;
  readonly validate: ValidateTenant;
  readonly clock: Clock;
  readonly limited: CallerLimit;
  /** What failed behind a call that was answered all the same. Must not throw. */
  readonly onError: OnError;
}

/** The methods of AdminService that are about tenants. */
export function createTenantEndpoints(deps: TenantEndpointDeps): readonly Endpoint[] {
  const { method } = AdminService;
  const { limited } = deps;
  const register = createRegisterTenantHandler(limited(createRegisterTenant(deps)));
  const update = createUpdateTenantHandler(limited(createUpdateTenant(deps)));
  return [
    createUnary(deps, method.registerTenant, registerTenantRules, register),
    createUnary(deps, method.updateTenant, updateTenantRules, update),
    createUnary(
      deps,
      method.unregisterTenant,
      noRules,
      createUnregisterTenantHandler(limited(createUnregisterTenant(deps))),
    ),
    createUnary(deps, method.recheckTenant, noRules, createRecheckTenantHandler(limited(createRecheckTenant(deps)))),
    createUnary(deps, method.drainTenant, noRules, createDrainTenantHandler(limited(createDrainTenant(deps)))),
    createUnary(deps, method.getTenant, noRules, createGetTenantHandler(limited(createGetTenant(deps)))),
    createUnary(
      deps,
      method.listTenants,
      noRules,
      createListTenantsHandler(limited(createListTenants(deps))),
      listTenantsBytes,
    ),
  ];
}
