import type { Tenant, TenantSelector } from "../domain/tenant.ts";
import type { TenantRuntime } from "./runtime.ts";

/** A tenant as a call finds it. */
export interface Entered {
  readonly tenant: Tenant;
  /** Null when it could not be built here; the tenant is disabled then. */
  readonly runtime: TenantRuntime | null;
}

/**
 * Who the tenants are, and what serves them. What was asked before is answered from memory: neither the database nor the
 * network is touched.
 *
 * Throws `Fault`: STORE_UNAVAILABLE when it cannot be told, OVERLOADED when too many unknown names are asked for,
 * DEADLINE_EXCEEDED when `deadline`, an instant of `Clock.monotonicMs()`, has passed.
 */
export interface Tenants {
  /** The tenant of this id, built; null when there is none. */
  enter(id: string, deadline: number): Promise<Entered | null>;
  /**
   * The id of the tenant under this selector, which is not built for that; null when there is none: never a guess, never
   * a pattern. A host is looked up as it is: whoever asks has normalised it.
   */
  find(selector: TenantSelector, deadline: number): Promise<string | null>;
}
