import type { Tenant, TenantSelector } from "../domain/tenant.ts";

/**
 * Who a tenant is. Null when nothing is registered under the selector: never a guess, never a pattern. A host is looked
 * up as it is: whoever asks has normalised it.
 *
 * Throws `Fault` STORE_UNAVAILABLE when that cannot be told, DEADLINE_EXCEEDED when `deadline`, an instant of
 * `Clock.monotonicMs()`, passed before it was asked.
 */
export interface TenantDirectory {
  resolve(selector: TenantSelector, deadline: number): Promise<Tenant | null>;
}
