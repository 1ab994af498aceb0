import { newApiKey } from "../../../auth/api-key-secret.ts";
import type { ApiKey, ApiKeyTable } from "../../../auth/api-keys.ts";
import type { Role } from "../../../auth/authenticator.ts";
import type { DurationBounds } from "../../../domain/limits.ts";
import type { Caller } from "../../access.ts";
import { requireReach } from "./reach.ts";

export interface CreateApiKeyDeps {
  readonly apiKeys: Pick<ApiKeyTable, "create">;
  /** So many fresh random bytes, fit for secrets. */
  readonly randomBytes: (count: number) => Uint8Array;
}

export interface CreateApiKeyInput {
  /** Empty: the caller's own, or every tenant for a caller of every tenant. */
  readonly tenant: string;
  readonly roles: ReadonlySet<Role>;
  readonly displayName: string;
  /** Within `API_KEY_LIFETIME`; null: for ever. */
  readonly lifetimeMs: number | null;
}

export interface CreatedApiKey {
  readonly key: ApiKey;
  /** The only place where it is ever shown. */
  readonly secret: string;
}

/** Throws `Fault` ROLE_REQUIRED, TENANT_FORBIDDEN, TENANT_NOT_FOUND, and as `ApiKeyTable.create`. */
export type CreateApiKey = (caller: Caller, input: CreateApiKeyInput) => Promise<CreatedApiKey>;

const DAY_MS = 24 * 60 * 60_000;

export const API_KEY_LIFETIME: DurationBounds = { minMs: 60_000, maxMs: 3650 * DAY_MS };

/** The key opens no tenant that its maker may not administer. */
export function createCreateApiKey({ apiKeys, randomBytes }: CreateApiKeyDeps): CreateApiKey {
  return async ({ principal, deadline }, { tenant: named, roles, displayName, lifetimeMs }) => {
    const tenant = requireReach(principal, named);
    const { id, text, salt, hash } = newApiKey(randomBytes);
    const change = { actor: principal.name, reason: "" };
    const key = await apiKeys.create({ id, tenant, roles, displayName, lifetimeMs, salt, hash }, change, deadline);
    return { key, secret: text };
  };
}
