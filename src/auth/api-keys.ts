import { Fault } from "../domain/fault.ts";
import type { Instant } from "../domain/instant.ts";
import type { Change } from "../tenants/table.ts";
import type { Role } from "./authenticator.ts";

/** An API key without its secret. */
export interface ApiKey {
  /** The part before the dot. */
  readonly id: string;
  /** The one tenant that it opens; null: every tenant. */
  readonly tenant: string | null;
  readonly roles: ReadonlySet<Role>;
  readonly displayName: string;
  readonly createTime: Instant;
  /** Null: never. */
  readonly expireTime: Instant | null;
  readonly revokeTime: Instant | null;
}

/** With what a secret is compared with. */
export interface StoredApiKey extends ApiKey {
  /** 32 random bytes. */
  readonly salt: Uint8Array;
  /** HMAC-SHA-256 of the secret, keyed with the salt. */
  readonly hash: Uint8Array;
}

/** What is given of a key that is made; the database's clock says when that is. */
export interface ApiKeyInput extends Omit<StoredApiKey, "createTime" | "expireTime" | "revokeTime"> {
  /** Null: for ever. */
  readonly lifetimeMs: number | null;
}

/**
 * Of one tenant, and as many of every tenant: neither revoked nor expired. Enough for a key for each of its processes;
 * whoever has stolen one that makes others does not bury it under them.
 */
export const GOOD_KEYS_MAX = 1000;

export function tooManyKeys(): Fault {
  const message = `there may be ${GOOD_KEYS_MAX} API keys of a tenant that are good, and as many of every tenant: revoke some`;
  return new Fault("INVALID_STATE", message);
}

/**
 * Where API keys are kept for all servers, with the audit log as `TenantTable` has it.
 *
 * Throws `Fault` STORE_UNAVAILABLE when the database does not answer: whether a change took effect is not known then.
 * DEADLINE_EXCEEDED when `deadline`, an instant of `Clock.monotonicMs()`, passed before it was asked. OVERLOADED when too
 * many others wait. A change is tried for ten seconds at most, whatever its deadline; without one, for so long.
 */
export interface ApiKeyTable {
  read(id: string, deadline: number): Promise<StoredApiKey | null>;
  /** Those of a greater id, by id; of one tenant, or all (null). */
  list(tenant: string | null, afterId: string, limit: number, deadline: number): Promise<readonly ApiKey[]>;
  /**
   * Throws `Fault` TENANT_NOT_FOUND when its tenant is not registered, INVALID_STATE when there are `GOOD_KEYS_MAX` good
   * ones of the tenant, or of every tenant, already.
   */
  create(key: ApiKeyInput, change: Change, deadline?: number): Promise<ApiKey>;
  /**
   * Revokes a key of one tenant, or of any (null). Null when there is none; one that was revoked before stays as it is.
   */
  revoke(id: string, tenant: string | null, change: Change, deadline?: number): Promise<ApiKey | null>;
}
