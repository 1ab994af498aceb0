import type { ApiKey, ApiKeyTable } from "../../../auth/api-keys.ts";
import type { Caller } from "../../access.ts";
import { requireReach } from "./reach.ts";

export interface ListApiKeysDeps {
  readonly apiKeys: Pick<ApiKeyTable, "list">;
}

export interface ListApiKeysInput {
  /** Empty: of all that the caller may see. */
  readonly tenant: string;
  /** Empty: from the first. */
  readonly afterId: string;
  readonly limit: number;
}

export interface ApiKeyPage {
  /** By id. */
  readonly keys: readonly ApiKey[];
  /** Whose id the next page begins after; null on the last page. */
  readonly lastId: string | null;
}

/** Throws `Fault` ROLE_REQUIRED, TENANT_FORBIDDEN, STORE_UNAVAILABLE. An unknown tenant has no keys. */
export type ListApiKeys = (caller: Caller, input: ListApiKeysInput) => Promise<ApiKeyPage>;

export function createListApiKeys({ apiKeys }: ListApiKeysDeps): ListApiKeys {
  return async ({ principal, deadline }, { tenant: named, afterId, limit }) => {
    const tenant = requireReach(principal, named);
    // One more than fits, to know whether there is a next page.
    const found = await apiKeys.list(tenant, afterId, limit + 1, deadline);
    const keys = found.slice(0, limit);
    return { keys, lastId: found.length > limit ? (keys.at(-1)?.id ?? null) : null };
  };
}
