import type {
  CreateApiKeyRequest,
  CreateApiKeyRequestSchema,
  CreateApiKeyResponseSchema,
} from "../../../gen/holdfast/v1/admin_pb.ts";
import { API_KEY_LIFETIME, type CreateApiKey } from "../../operations/admin/api-keys/create.ts";
import type { UnaryHandler } from "../pipeline.ts";
import { checkDuration, type Rules } from "../rules.ts";
import { rolesOf, toApiKey } from "../wire/api-key.ts";
import { durationMs } from "../wire/time.ts";

export const createApiKeyRules: Rules<CreateApiKeyRequest> = ({ lifetime }, report) => {
  checkDuration("lifetime", lifetime, API_KEY_LIFETIME, report);
};

export function createCreateApiKeyHandler(
  createApiKey: CreateApiKey,
): UnaryHandler<typeof CreateApiKeyRequestSchema, typeof CreateApiKeyResponseSchema> {
  return async ({ tenantId, roles, displayName, lifetime }, caller) => {
    const { key, secret } = await createApiKey(caller, {
      tenant: tenantId,
      roles: rolesOf(roles),
      displayName,
      lifetimeMs: lifetime === undefined ? null : durationMs(lifetime),
    });
    return { apiKey: toApiKey(key), secret };
  };
}
