import type { ApiKey, ApiKeyTable } from "../../../auth/api-keys.ts";
import { Fault } from "../../../domain/fault.ts";
import type { Caller } from "../../access.ts";
import { requireReach } from "./reach.ts";

export interface RevokeApiKeyDeps {
  readonly apiKeys: Pick<ApiKeyTable, "revoke">;
  /** This server forgets what it knew of the key; the others hear of the change. */
  readonly changed: (id: string) => void;
}

export interface RevokeApiKeyInput {
  readonly id: string;
  readonly reason: string;
}

/** Throws `Fault` ROLE_REQUIRED, API_KEY_NOT_FOUND, STORE_UNAVAILABLE. */
export type RevokeApiKey = (caller: Caller, input: RevokeApiKeyInput) => Promise<ApiKey>;

/** Another tenant's key is not found, like one that never was. One may revoke the key that one calls with. */
export function createRevokeApiKey({ apiKeys, changed }: RevokeApiKeyDeps): RevokeApiKey {
  return async ({ principal, deadline }, { id, reason }) => {
    const tenant = requireReach(principal, "");
    const key = await apiKeys.revoke(id, tenant, { actor: principal.name, reason }, deadline);
    if (key === null) throw new Fault("API_KEY_NOT_FOUND", "there is no such API key");
    changed(id);
    return key;
  };
}
