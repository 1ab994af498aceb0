import { LOCK_HEAD } from "../../store/postgres/audit/locked.ts";
import type { Connection } from "../../store/postgres/connection.ts";
import type { Change } from "../../tenants/table.ts";
import type { ApiKey, ApiKeyInput } from "../api-keys.ts";
import { createApiKeyRow } from "./create-api-key.ts";
import { loadStatement } from "./statement.ts";

export type FirstKeyOutcome =
  | { readonly kind: "created"; readonly key: ApiKey }
  /** There is a key that could make others. */
  | { readonly kind: "exists"; readonly id: string };

const BEGIN = { name: "", text: "begin isolation level read committed" };
/** Of a command that is stopped between two statements: nobody changes anything while it holds the audit log. */
const BOUND = { name: "", text: "set local idle_in_transaction_session_timeout = '5s'" };
const COMMIT = { name: "", text: "commit" };
const ROLLBACK = { name: "", text: "rollback" };
const FIND_ADMIN = loadStatement("find-admin-key");

/**
 * Makes a key of every tenant unless one with the role admin is good already. Of two who do this at once, one makes a
 * key: each locks the audit log before it looks.
 *
 * @param key of every tenant
 */
export async function createFirstKey(
  connection: Connection,
  key: ApiKeyInput,
  change: Change,
): Promise<FirstKeyOutcome> {
  await connection.query(BEGIN, []);
  try {
    await connection.query(BOUND, []);
    await connection.query(LOCK_HEAD, []);
    const [admin] = await connection.query<{ readonly id: string }>(FIND_ADMIN, []);
    const outcome: FirstKeyOutcome =
      admin === undefined
        ? { kind: "created", key: await createGlobalKey(connection, key, change) }
        : { kind: "exists", id: admin.id };
    await connection.query(COMMIT, []);
    return outcome;
  } catch (error) {
    await connection.query(ROLLBACK, []).catch(() => undefined); // The first error is the one to tell.
    throw error;
  }
}

/** Makes a key of every tenant whatever others there are, and however many: whoever has lost them all must get in. */
export async function createGlobalKey(connection: Connection, key: ApiKeyInput, change: Change): Promise<ApiKey> {
  const outcome = await createApiKeyRow(connection, { ...key, tenant: null }, change, null);
  if (outcome?.kind !== "created") throw new Error("bug: a key of every tenant needs no tenant, and may be any number");
  return outcome.key;
}
