import type { Connection } from "../../store/postgres/connection.ts";
import type { Change } from "../../tenants/table.ts";
import type { ApiKey, ApiKeyInput } from "../api-keys.ts";
import { type ApiKeyRow, toApiKey } from "./api-key-row.ts";
import { loadStatement } from "./statement.ts";

const CREATE = loadStatement("create-api-key");

/** Null when its tenant is not registered. */
export async function createApiKeyRow(
  connection: Connection,
  key: ApiKeyInput,
  change: Change,
): Promise<ApiKey | null> {
  const [row] = await connection.query<ApiKeyRow>(CREATE, [
    ...[key.id, key.tenant, [...key.roles], key.salt, key.hash, key.displayName, key.lifetimeMs],
    ...[change.actor, change.reason],
  ]);
  return row === undefined ? null : toApiKey(row);
}
