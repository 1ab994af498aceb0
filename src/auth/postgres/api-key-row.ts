import type { Instant } from "../../domain/instant.ts";
import type { ApiKey, StoredApiKey } from "../api-keys.ts";
import type { Role } from "../authenticator.ts";

/** What every statement about API keys returns. */
export interface ApiKeyRow {
  readonly id: string;
  readonly tenant: string | null;
  /** The schema allows no others. */
  readonly roles: readonly Role[];
  readonly display_name: string;
  readonly create_time: Instant;
  readonly expire_time: Instant | null;
  readonly revoke_time: Instant | null;
}

export interface StoredApiKeyRow extends ApiKeyRow {
  readonly salt: Uint8Array;
  readonly hash: Uint8Array;
}

export function toApiKey(row: ApiKeyRow): ApiKey {
  return {
    id: row.id,
    tenant: row.tenant,
    roles: new Set(row.roles),
    displayName: row.display_name,
    createTime: row.create_time,
    expireTime: row.expire_time,
    revokeTime: row.revoke_time,
  };
}

export function toStoredApiKey(row: StoredApiKeyRow): StoredApiKey {
  return { ...toApiKey(row), salt: row.salt, hash: row.hash };
}
