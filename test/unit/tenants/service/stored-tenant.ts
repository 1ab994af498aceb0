import type { TenantRegistration } from "../../../../src/domain/registration.ts";
import { DEFAULT_POLICY, UNLIMITED } from "../../../../src/domain/tenant.ts";
import type { StoredTenant } from "../../../../src/tenants/table.ts";
import { NOW } from "../../../support/records.ts";

/** As the table would have it. */
export function storedTenant(
  id: string,
  generation: bigint,
  declared: Partial<TenantRegistration> = {},
  changed: Partial<StoredTenant> = {},
): StoredTenant {
  return {
    registration: {
      ...{ id, displayName: "", hosts: [], issuers: [], agentUrl: "", validator: { kind: "none" }, eager: false },
      ...{ limits: UNLIMITED, policy: DEFAULT_POLICY, placement: "main", encrypted: false },
      serveStates: ["healthy", "unverified"],
      ...declared,
    },
    generation,
    health: { health: "healthy", reason: "", since: NOW },
    ...{ draining: false, createTime: NOW, updateTime: NOW },
    ...changed,
  };
}
