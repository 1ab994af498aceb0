import type {
  ResolveTenantRequest,
  ResolveTenantRequestSchema,
  ResolveTenantResponseSchema,
} from "../../gen/holdfast/v1/tenant_pb.ts";
import type { TenantSelector } from "../domain/tenant.ts";
import type { ResolveTenant } from "../operations/resolve-tenant.ts";
import type { UnaryHandler } from "./pipeline.ts";
import { ADMISSIONS, TENANT_HEALTHS } from "./wire/enums.ts";
import { toDuration, toTimestamp } from "./wire/time.ts";

/** How long a caller may keep the answer, and when one who is told RETRY_LATER asks again. */
const CACHE_TTL_MS = 10_000;
const RETRY_LATER_MS = 1000;

export function createResolveTenantHandler(
  resolveTenant: ResolveTenant,
): UnaryHandler<typeof ResolveTenantRequestSchema, typeof ResolveTenantResponseSchema> {
  return async ({ selector }, caller) => {
    const { tenant, admission } = await resolveTenant(caller, selectorOf(selector));
    return {
      tenantId: tenant.id,
      displayName: tenant.displayName,
      health: TENANT_HEALTHS[tenant.health],
      healthReason: tenant.healthReason,
      healthSince: tenant.healthSince === null ? undefined : toTimestamp(tenant.healthSince),
      admission: ADMISSIONS[admission],
      retryAfter: admission === "retry-later" ? toDuration(RETRY_LATER_MS) : undefined,
      generation: tenant.generation,
      limits: tenant.limits,
      cacheTtl: toDuration(CACHE_TTL_MS),
    };
  };
}

function selectorOf(selector: ResolveTenantRequest["selector"]): TenantSelector {
  switch (selector.case) {
    case "tenantId":
      return { kind: "id", id: selector.value };
    case "host":
      return { kind: "host", host: selector.value.host, path: selector.value.path };
    case "issuer":
      return { kind: "issuer", issuer: selector.value.issuer, subject: selector.value.subject };
    case undefined:
      throw new Error("bug: validation lets no request without selector through");
  }
}
