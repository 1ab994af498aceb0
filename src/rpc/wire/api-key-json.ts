import { create, toJson } from "@bufbuild/protobuf";
import {
  type ApiKey as ApiKeyMessage,
  ApiKeySchema,
  type CreateApiKeyResponse,
  CreateApiKeyResponseSchema,
} from "../../../gen/holdfast/v1/admin_pb.ts";
import type { CreatedApiKey } from "../../operations/admin/api-keys/create.ts";
import { toApiKey } from "./api-key.ts";

/** An API key as scripts read it: proto JSON, with what is empty, so that a script need not know what that is. */
export interface ApiKeyJson {
  readonly keyId: string;
  readonly tenantId: string;
  readonly roles: readonly string[];
  readonly displayName: string;
  readonly createTime: string;
  readonly expireTime?: string;
  readonly revokeTime?: string;
}

export interface CreatedApiKeyJson {
  readonly apiKey: ApiKeyJson;
  readonly secret: string;
}

export function apiKeyToJson(key: ApiKeyMessage): ApiKeyJson {
  return toJson(ApiKeySchema, key, { alwaysEmitImplicit: true }) as unknown as ApiKeyJson;
}

/** What CreateApiKey answers. */
export function createdToJson(created: CreateApiKeyResponse): CreatedApiKeyJson {
  return toJson(CreateApiKeyResponseSchema, created, { alwaysEmitImplicit: true }) as unknown as CreatedApiKeyJson;
}

/** The same of a key that was made without a server. */
export function madeToJson({ key, secret }: CreatedApiKey): CreatedApiKeyJson {
  return createdToJson(create(CreateApiKeyResponseSchema, { apiKey: toApiKey(key), secret }));
}
