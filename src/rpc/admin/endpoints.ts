import { createCallerLimit } from "../../operations/admin/caller-limit.ts";
import type { Endpoint } from "../endpoint.ts";
import { type ApiKeyEndpointDeps, createApiKeyEndpoints } from "./api-key-endpoints.ts";
import { createRecordEndpoints, type RecordEndpointDeps } from "./record-endpoints.ts";
import { createTenantEndpoints, type TenantEndpointDeps } from "./tenant-endpoints.ts";

export interface AdminEndpointDeps
  extends Omit<TenantEndpointDeps, "limited">,
    Omit<ApiKeyEndpointDeps, "limited">,
    Omit<RecordEndpointDeps, "limited"> {
  readonly tenants: TenantEndpointDeps["tenants"] & RecordEndpointDeps["tenants"];
}

/** One endpoint per method of AdminService. */
export function createAdminEndpoints(deps: AdminEndpointDeps): readonly Endpoint[] {
  const limited = createCallerLimit();
  return [
    ...createTenantEndpoints({ ...deps, limited }),
    ...createApiKeyEndpoints({ ...deps, limited }),
    ...createRecordEndpoints({ ...deps, limited }),
  ];
}
