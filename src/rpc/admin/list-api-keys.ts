import type { ListApiKeysRequestSchema, ListApiKeysResponseSchema } from "../../../gen/holdfast/v1/admin_pb.ts";
import type { ListApiKeys } from "../../operations/admin/api-keys/list.ts";
import type { UnaryHandler } from "../pipeline.ts";
import { afterIdOf, toApiKey, toPageToken } from "../wire/api-key.ts";

const PAGE_SIZE_DEFAULT = 100;

export function createListApiKeysHandler(
  listApiKeys: ListApiKeys,
): UnaryHandler<typeof ListApiKeysRequestSchema, typeof ListApiKeysResponseSchema> {
  return async ({ tenantId, pageSize, pageToken }, caller) => {
    const limit = pageSize || PAGE_SIZE_DEFAULT;
    const page = await listApiKeys(caller, { tenant: tenantId, afterId: afterIdOf(pageToken), limit });
    return { apiKeys: page.keys.map(toApiKey), nextPageToken: toPageToken(page.lastId) };
  };
}
