import { AdminService } from "../../../gen/holdfast/v1/admin_pb.ts";
import type { ApiKeyTable } from "../../auth/api-keys.ts";
import { createCreateApiKey } from "../../operations/admin/api-keys/create.ts";
import { createListApiKeys } from "../../operations/admin/api-keys/list.ts";
import { createRevokeApiKey } from "../../operations/admin/api-keys/revoke.ts";
import type { CallerLimit } from "../../operations/admin/caller-limit.ts";
import type { Endpoint } from "../endpoint.ts";
import { createUnary, type PipelineDeps } from "../pipeline.ts";
import { noRules } from "../rules.ts";
import { createApiKeyRules, createCreateApiKeyHandler } from "./create-api-key.ts";
import { createListApiKeysHandler } from "./list-api-keys.ts";
import { createRevokeApiKeyHandler } from "./revoke-api-key.ts";

export interface ApiKeyEndpointDeps extends PipelineDeps {
  readonly apiKeys: ApiKeyTable;
  readonly limited: CallerLimit;
  /** Told of keys that were revoked here, before the call is answered. */
  readonly changed: (id: string) => void;
  /** So many fresh random bytes, fit for secrets. */
  readonly randomBytes: (count: number) => Uint8Array;
}

/** The methods of AdminService that are about API keys. */
export function createApiKeyEndpoints(deps: ApiKeyEndpointDeps): readonly Endpoint[] {
  const { method } = AdminService;
  const { limited } = deps;
  return [
    createUnary(
      deps,
      method.createApiKey,
      createApiKeyRules,
      createCreateApiKeyHandler(limited(createCreateApiKey(deps))),
    ),
    createUnary(deps, method.revokeApiKey, noRules, createRevokeApiKeyHandler(limited(createRevokeApiKey(deps)))),
    createUnary(deps, method.listApiKeys, noRules, createListApiKeysHandler(limited(createListApiKeys(deps)))),
  ];
}
