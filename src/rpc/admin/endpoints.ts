import type { Endpoint } from "../endpoint.ts";
import { type ApiKeyEndpointDeps, createApiKeyEndpoints } from "./api-key-endpoints.ts";
import { createTenantEndpoints, type TenantEndpointDeps } from "./tenant-endpoints.ts";

export interface AdminEndpointDeps extends TenantEndpointDeps, ApiKeyEndpointDeps {}

/** One endpoint per method of AdminService. */
export function createAdminEndpoints(deps: AdminEndpointDeps): readonly Endpoint[] {
  return [...createTenantEndpoints(deps), ...createApiKeyEndpoints(deps)];
}
