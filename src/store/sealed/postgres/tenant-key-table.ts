import { readFileSync } from "node:fs";
import { Fault } from "../../../domain/fault.ts";
import type { Connection } from "../../postgres/connection.ts";
import { failureOf, internal, unavailable } from "../../postgres/errors.ts";
import type { Statement } from "../../postgres/statement.ts";
import type { TenantKeyTable, WrappedKey } from "../tenant-key-table.ts";

export interface PostgresTenantKeyTableDeps {
  /** Lends a connection to the main cluster. Rejects with what `work` threw, or with a `Fault` when there is none. */
  readonly run: <T>(work: (connection: Connection) => Promise<T>) => Promise<T>;
}

/** The table holdfast.tenant_key. */
export function createPostgresTenantKeyTable({ run }: PostgresTenantKeyTableDeps): TenantKeyTable {
  const query = async <Row>(statement: Statement, values: readonly unknown[]) => {
    try {
      return await run((connection) => connection.query<Row>(statement, values));
    } catch (thrown) {
      throw toFault(thrown);
    }
  };

  return {
    read: async (tenant) => (await query<KeyRow>(READ, [tenant])).map(toWrappedKey),
    async add({ tenant, version, wrapped, masterKey }) {
      return (await query(ADD, [tenant, version, wrapped, masterKey])).length > 0;
    },
    async wrappedByOthers(masterKey, { tenant, version }, limit) {
      return (await query<KeyRow>(WRAPPED_BY_OTHERS, [masterKey, tenant, version, limit])).map(toWrappedKey);
    },
    async replace({ tenant, version, wrapped }, after) {
      const values = [tenant, version, wrapped, after.wrapped, after.masterKey];
      return (await query(REPLACE, values)).length > 0;
    },
  };
}

interface KeyRow {
  readonly tenant: string;
  readonly version: number;
  readonly wrapped: Uint8Array;
  readonly master_key: string;
}

const READ = statement("tenant-keys");
const ADD = statement("add-tenant-key");
const WRAPPED_BY_OTHERS = statement("wrapped-by-others");
const REPLACE = statement("replace-tenant-key");

function statement(name: string): Statement {
  return { name, text: readFileSync(new URL(`${name}.sql`, import.meta.url), "utf8") };
}

function toWrappedKey({ tenant, version, wrapped, master_key }: KeyRow): WrappedKey {
  return { tenant, version, wrapped, masterKey: master_key };
}

function toFault(thrown: unknown): Fault {
  if (thrown instanceof Fault) return thrown;
  return failureOf(thrown) === "bug" ? internal(thrown) : unavailable(thrown);
}
