import type { Instant } from "../domain/instant.ts";
import type { TenantRegistration } from "../domain/registration.ts";
import type { TenantHealth, TenantSelector } from "../domain/tenant.ts";
import type { HealthEvent } from "../domain/tenant-health.ts";

/** A tenant as it is kept. */
export interface StoredTenant {
  readonly registration: TenantRegistration;
  /** Changes with every change of the registration, and never comes again. */
  readonly generation: bigint;
  readonly health: HealthState;
  readonly draining: boolean;
  readonly createTime: Instant;
  readonly updateTime: Instant;
}

export interface HealthState {
  readonly health: TenantHealth;
  /** Redacted: no address, credential or driver text. */
  readonly reason: string;
  readonly since: Instant;
}

/** Whose a name was when it was looked up. */
export interface FoundName {
  /** Null: nobody's. */
  readonly id: string | null;
  /** Rises with every change of any tenant's id, hosts or issuers. What was found under a lower one may be untrue. */
  readonly names: bigint;
  /**
   * Of an issuer: whose answer this is. One: that of the subject, which somebody's registration names. Unnamed: that of
   * every subject which none names, though there are others. All: that of every subject, for none is named.
   * Of any other selector: one.
   */
  readonly subjects: "one" | "unnamed" | "all";
}

/** Who makes a change, and why; for the audit log. */
export interface Change {
  /** `Principal.name`, or "server", or "command-line". */
  readonly actor: string;
  readonly reason: string;
}

/**
 * Where tenants are kept for all servers. Every change is in the audit log with the change itself, or neither is, and
 * servers that follow the changes are told.
 *
 * Throws `Fault`: STORE_UNAVAILABLE when the database does not answer, DEADLINE_EXCEEDED when `deadline`, an instant of
 * `Clock.monotonicMs()`, passed before it was asked, OVERLOADED when too many others wait. A change is tried for ten
 * seconds at most, whatever its deadline; without one, for so long.
 */
export interface TenantTable {
  read(id: string, deadline: number): Promise<StoredTenant | null>;
  /** The id under the selector: never a guess, never a pattern. The longest path prefix on a boundary wins. */
  find(selector: TenantSelector, deadline: number): Promise<FoundName>;
  /** Those of a greater id, by id. */
  list(afterId: string, limit: number, deadline: number): Promise<readonly StoredTenant[]>;
  /** Those to be built when a server starts. */
  eager(): Promise<readonly StoredTenant[]>;
  /** Throws `Fault` TENANT_EXISTS, HOST_TAKEN (naming the host) or ISSUER_TAKEN; then nothing has changed. */
  register(
    registration: TenantRegistration,
    health: TenantHealth,
    change: Change,
    deadline?: number,
  ): Promise<StoredTenant>;
  /**
   * Replaces the registration, under a new generation. Null when there is none.
   *
   * @param health null: as it is when the change is made, which may not be what was read before
   *
   * Throws `Fault` TENANT_CHANGED unless it has this generation (null: whatever it has), HOST_TAKEN, ISSUER_TAKEN.
   */
  update(
    registration: TenantRegistration,
    health: TenantHealth | null,
    generation: bigint | null,
    change: Change,
    deadline?: number,
  ): Promise<StoredTenant | null>;
  /** False when there was none. */
  unregister(id: string, change: Change, deadline?: number): Promise<boolean>;
  /** Null when there is none. */
  drain(id: string, draining: boolean, change: Change, deadline?: number): Promise<StoredTenant | null>;
  /**
   * What becomes of the health that is stored now, by `nextHealth`. Answers with what holds then; null when this
   * generation is gone.
   */
  judge(
    id: string,
    generation: bigint,
    event: HealthEvent,
    change: Change,
    deadline?: number,
  ): Promise<HealthState | null>;
}
