import { DatabaseError } from "pg";
import type { Clock } from "../../clock.ts";
import { Fault } from "../../domain/fault.ts";
import { createChanging } from "../../store/postgres/changing.ts";
import type { Connection } from "../../store/postgres/connection.ts";
import { failureOf, internal, unavailable } from "../../store/postgres/errors.ts";
import type { Change } from "../../tenants/table.ts";
import { type ApiKey, type ApiKeyTable, GOOD_KEYS_MAX, tooManyKeys } from "../api-keys.ts";
import { type ApiKeyRow, type StoredApiKeyRow, toApiKey, toStoredApiKey } from "./api-key-row.ts";
import { createApiKeyRow } from "./create-api-key.ts";
import { loadStatement } from "./statement.ts";

export interface PostgresApiKeysDeps {
  /** Lends a connection. Rejects with what `work` threw, or with a `Fault` when there is none to be had. */
  readonly run: Run;
  /** The same for changes. Not the one above: a change waits for every other one, and a look-up for none. */
  readonly change: Run;
  readonly clock: Clock;
}

type Run = <T>(work: (connection: Connection) => Promise<T>) => Promise<T>;

const READ = loadStatement("read-api-key");
const LIST = loadStatement("list-api-keys");
const LIST_TENANT = loadStatement("list-tenant-api-keys");
const REVOKE = loadStatement("revoke-api-key");

/** The table holdfast.api_key, of the main cluster. */
export function createPostgresApiKeys({ run, change: lend, clock }: PostgresApiKeysDeps): ApiKeyTable {
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

  const changing = createChanging({ change: lend, clock });
  const change: typeof changing = (deadline, work) =>
    changing(deadline, work).catch((thrown: unknown) => {
      throw toFault(thrown);
    });

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
    async create(key, by, deadline) {
      const outcome = await change(deadline, (connection) => createApiKeyRow(connection, key, by, GOOD_KEYS_MAX));
      switch (outcome.kind) {
        case "created":
          return outcome.key;
        case "no-tenant":
          throw noTenant();
        case "too-many":
          throw tooManyKeys();
      }
    },
    async revoke(id, tenant, by, deadline) {
      const { key } = await change(deadline, async (connection) => ({
        key: await revokeApiKey(connection, id, tenant, by),
      }));
      return key;
    },
  };
}

async function revokeApiKey(
  connection: Connection,
  id: string,
  tenant: string | null,
  { actor, reason }: Change,
): Promise<ApiKey | null> {
  const [revoked] = await connection.query<ApiKeyRow>(REVOKE, [id, tenant, actor, reason]);
  if (revoked !== undefined) return toApiKey(revoked);
  // There is none, or it was revoked before, at the last by somebody else while this statement waited.
  const [known] = await connection.query<ApiKeyRow>(READ, [id]);
  return known === undefined || (tenant !== null && known.tenant !== tenant) ? null : toApiKey(known);
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
