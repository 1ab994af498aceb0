import { DatabaseError } from "pg";
import type { Clock } from "../../clock.ts";
import { Fault } from "../../domain/fault.ts";
import type { Connection } from "../../store/postgres/connection.ts";
import { failureOf, internal, unavailable } from "../../store/postgres/errors.ts";
import type { ApiKeyTable } from "../api-keys.ts";
import { type ApiKeyRow, type StoredApiKeyRow, toApiKey, toStoredApiKey } from "./api-key-row.ts";
import { createApiKeyRow } from "./create-api-key.ts";
import { loadStatement } from "./statement.ts";

export interface PostgresApiKeysDeps {
  /** Lends a connection. Rejects with what `work` threw, or with a `Fault` when there is none to be had. */
  readonly run: <T>(work: (connection: Connection) => Promise<T>) => Promise<T>;
  readonly clock: Clock;
}

const READ = loadStatement("read-api-key");
const LIST = loadStatement("list-api-keys");
const LIST_TENANT = loadStatement("list-tenant-api-keys");
const REVOKE = loadStatement("revoke-api-key");

const TRIES_MAX = 5;

/** The table holdfast.api_key, of the main cluster. */
export function createPostgresApiKeys({ run, clock }: PostgresApiKeysDeps): ApiKeyTable {
  const ask = async <T>(deadline: number, work: (connection: Connection) => Promise<T>): Promise<T> => {
    try {
      return await run((connection) => {
        if (clock.monotonicMs() < deadline) return work(connection);
        throw new Fault("DEADLINE_EXCEEDED", "the deadline passed before the API keys were looked up");
      });
    } catch (thrown) {
      throw toFault(thrown);
    }
  };

  /** Again after somebody else's change was in the way, for then it was rolled back. */
  const change = async <T>(work: (connection: Connection) => Promise<T>): Promise<T> => {
    for (let tries = 1; ; tries++) {
      try {
        return await run(work);
      } catch (thrown) {
        if (failureOf(thrown) !== "contended" || tries >= TRIES_MAX) throw toFault(thrown);
      }
    }
  };

  return {
    read: (id, deadline) =>
      ask(deadline, async (connection) => {
        const [row] = await connection.query<StoredApiKeyRow>(READ, [id]);
        return row === undefined ? null : toStoredApiKey(row);
      }),
    list: (tenant, afterId, limit, deadline) =>
      ask(deadline, async (connection) => {
        const rows = await (tenant === null
          ? connection.query<ApiKeyRow>(LIST, [afterId, limit])
          : connection.query<ApiKeyRow>(LIST_TENANT, [tenant, afterId, limit]));
        return rows.map(toApiKey);
      }),
    create: (key, by) =>
      change(async (connection) => {
        const created = await createApiKeyRow(connection, key, by);
        if (created === null) throw noTenant();
        return created;
      }),
    revoke: (id, tenant, { actor, reason }) =>
      change(async (connection) => {
        const [revoked] = await connection.query<ApiKeyRow>(REVOKE, [id, tenant, actor, reason]);
        if (revoked !== undefined) return toApiKey(revoked);
        // There is none, or it was revoked before, at the last by somebody else while this statement waited.
        const [known] = await connection.query<ApiKeyRow>(READ, [id]);
        return known === undefined || (tenant !== null && known.tenant !== tenant) ? null : toApiKey(known);
      }),
  };
}

function noTenant(cause?: unknown): Fault {
  return new Fault("TENANT_NOT_FOUND", "there is no such tenant", { cause });
}

const FOREIGN_KEY_VIOLATION = "23503";

function toFault(thrown: unknown): Fault {
  if (thrown instanceof Fault) return thrown;
  if (thrown instanceof DatabaseError && thrown.code === FOREIGN_KEY_VIOLATION) return noTenant(thrown);
  const failure = failureOf(thrown);
  return failure === "bug" || failure === "poison" ? internal(thrown) : unavailable(thrown);
}
