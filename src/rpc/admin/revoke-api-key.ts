import type { RevokeApiKeyRequestSchema, RevokeApiKeyResponseSchema } from "../../../gen/holdfast/v1/admin_pb.ts";
import type { RevokeApiKey } from "../../operations/admin/api-keys/revoke.ts";
import type { UnaryHandler } from "../pipeline.ts";
import { toApiKey } from "../wire/api-key.ts";

export function createRevokeApiKeyHandler(
  revokeApiKey: RevokeApiKey,
): UnaryHandler<typeof RevokeApiKeyRequestSchema, typeof RevokeApiKeyResponseSchema> {
  return async ({ keyId, reason }, caller) => ({
    apiKey: toApiKey(await revokeApiKey(caller, { id: keyId, reason })),
  });
}
