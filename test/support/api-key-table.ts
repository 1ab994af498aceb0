import { randomBytes } from "node:crypto";
import { newApiKey } from "../../src/auth/api-key-secret.ts";
import {
  type ApiKey,
  type ApiKeyInput,
  type ApiKeyTable,
  GOOD_KEYS_MAX,
  type StoredApiKey,
  tooManyKeys,
} from "../../src/auth/api-keys.ts";
import { Fault } from "../../src/domain/fault.ts";
import { addMs, type Instant } from "../../src/domain/instant.ts";
import type { Change } from "../../src/tenants/table.ts";

export interface MemoryApiKeyTable extends ApiKeyTable {
  /** What was changed, by whom. */
  readonly changes: readonly (Change & { readonly action: "create" | "revoke"; readonly id: string })[];
}

/** API keys behind a map, as the database keeps them. */
export function createMemoryApiKeyTable(
  now: () => Instant,
  tenants: readonly string[] = ["acme", "other"],
): MemoryApiKeyTable {
  const keys = new Map<string, StoredApiKey>();
  const changes: (Change & { readonly action: "create" | "revoke"; readonly id: string })[] = [];
  return {
    changes,
    read: async (id) => keys.get(id) ?? null,
    async list(tenant, afterId, limit) {
      const seen = [...keys.values()].filter((key) => key.id > afterId && (tenant === null || key.tenant === tenant));
      return seen
        .toSorted((a, b) => (a.id < b.id ? -1 : 1))
        .slice(0, limit)
        .map(withoutSecret);
    },
    async create({ lifetimeMs, ...given }, change) {
      if (given.tenant !== null && !tenants.includes(given.tenant)) {
        throw new Fault("TENANT_NOT_FOUND", "there is no such tenant");
      }
      const good = [...keys.values()].filter((key) => key.tenant === given.tenant && isGood(key, now()));
      if (good.length >= GOOD_KEYS_MAX) throw tooManyKeys();
      const expireTime = lifetimeMs === null ? null : addMs(now(), lifetimeMs);
      const key: StoredApiKey = { ...given, createTime: now(), expireTime, revokeTime: null };
      keys.set(key.id, key);
      changes.push({ ...change, action: "create", id: key.id });
      return withoutSecret(key);
    },
    async revoke(id, tenant, change) {
      const key = keys.get(id);
      if (key === undefined || (tenant !== null && key.tenant !== tenant)) return null;
      if (key.revokeTime !== null) return withoutSecret(key);
      const revoked = { ...key, revokeTime: now() };
      keys.set(id, revoked);
      changes.push({ ...change, action: "revoke", id });
      return withoutSecret(revoked);
    },
  };
}

function isGood({ revokeTime, expireTime }: StoredApiKey, now: Instant): boolean {
  return revokeTime === null && (expireTime === null || expireTime > now);
}

export interface TestApiKey {
  readonly input: ApiKeyInput;
  /** What callers send. */
  readonly text: string;
}

/** A key for tests, of tenant acme unless told otherwise. */
export function freshApiKey(more: Partial<ApiKeyInput> = {}): TestApiKey {
  const { id, text, salt, hash } = newApiKey((count) => new Uint8Array(randomBytes(count)));
  const input: ApiKeyInput = {
    ...{ id, salt, hash, tenant: "acme", roles: new Set(["claim", "read"]), displayName: "", lifetimeMs: null },
    ...more,
  };
  return { input, text };
}

function withoutSecret({ id, tenant, roles, displayName, createTime, expireTime, revokeTime }: StoredApiKey): ApiKey {
  return { id, tenant, roles, displayName, createTime, expireTime, revokeTime };
}
