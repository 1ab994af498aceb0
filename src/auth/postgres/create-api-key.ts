import type { Connection } from "../../store/postgres/connection.ts";
import type { Change } from "../../tenants/table.ts";
import type { ApiKey, ApiKeyInput } from "../api-keys.ts";
import { type ApiKeyRow, toApiKey } from "./api-key-row.ts";
import { loadStatement } from "./statement.ts";

const CREATE = loadStatement("create-api-key");

export type CreateOutcome =
  | { readonly kind: "created"; readonly key: ApiKey }
  /** Its tenant is not registered. */
  | { readonly kind: "no-tenant" }
  | { readonly kind: "too-many" };

interface CreateRow extends Omit<ApiKeyRow, "id"> {
  readonly keys: bigint;
  readonly registered: boolean;
  readonly id: string | null;
}

/**
 * Null when others made changes meanwhile: the same again tells.
 *
 * @param keysMax that are good, of its tenant or of every tenant, with this one; null: any number
 */
export async function createApiKeyRow(
  connection: Connection,
  key: ApiKeyInput,
  change: Change,
  keysMax: number | null,
): Promise<CreateOutcome | null> {
  const [row] = await connection.query<CreateRow>(CREATE, [
    ...[key.id, key.tenant, [...key.roles], key.salt, key.hash, key.displayName, key.lifetimeMs],
    ...[change.actor, change.reason, keysMax],
  ]);
  if (row === undefined) throw new Error("bug: no row from create-api-key");
  const { id } = row;
  if (id !== null) return { kind: "created", key: toApiKey({ ...row, id }) };
  if (!row.registered) return { kind: "no-tenant" };
  return keysMax !== null && row.keys >= keysMax ? { kind: "too-many" } : null;
}
