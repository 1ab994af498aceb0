import type { ApiKeyTable } from "../auth/api-keys.ts";
import type { TenantTable } from "../tenants/table.ts";
import type { Log } from "./log.ts";

/**
 * Says in the log of the server that makes a change who made what of whom; the audit log says it for all servers, with
 * the reason that was given. A repetition that changes nothing any more says it again. Changes of health are told by the
 * registry, as transitions.
 */
export function logTenantChanges(table: TenantTable, log: Pick<Log, "info">): TenantTable {
  return {
    ...table,
    // Whatever is given is handed on as a whole, so that no argument gets lost here.
    async register(...given) {
      const stored = await table.register(...given);
      const [{ id }, , { actor }] = given;
      const fields = { actor, action: "register", tenant: id, generation: String(stored.generation) };
      log.info(fields, "a tenant was registered");
      return stored;
    },
    async update(...given) {
      const stored = await table.update(...given);
      if (stored === null) return null;
      const [{ id }, , , { actor }] = given;
      const fields = { actor, action: "update", tenant: id, generation: String(stored.generation) };
      log.info(fields, "a tenant was updated");
      return stored;
    },
    async unregister(...given) {
      const wasThere = await table.unregister(...given);
      const [tenant, { actor }] = given;
      if (wasThere) log.info({ actor, action: "unregister", tenant }, "a tenant was unregistered");
      return wasThere;
    },
    async drain(...given) {
      const stored = await table.drain(...given);
      if (stored === null) return null;
      const [tenant, draining, { actor }] = given;
      const fields = { actor, action: draining ? "drain" : "resume", tenant, generation: String(stored.generation) };
      log.info(fields, draining ? "a tenant is drained" : "a tenant acquires again");
      return stored;
    },
  };
}

/** The same of API keys. `apiKey` is the id, which is no secret. */
export function logApiKeyChanges(table: ApiKeyTable, log: Pick<Log, "info">): ApiKeyTable {
  return {
    ...table,
    async create(...given) {
      const key = await table.create(...given);
      const [, { actor }] = given;
      const fields = { actor, action: "create", apiKey: key.id, tenant: key.tenant, roles: [...key.roles] };
      log.info(fields, "an API key was created");
      return key;
    },
    async revoke(...given) {
      const key = await table.revoke(...given);
      if (key === null) return null;
      const [id, , { actor }] = given;
      log.info({ actor, action: "revoke", apiKey: id, tenant: key.tenant }, "an API key was revoked");
      return key;
    },
  };
}

/** An operator has changed a record. Which one, its line in the audit log says: keys may name people. */
export interface RecordChange {
  readonly actor: string;
  readonly action: "release" | "resolve" | "reset";
  readonly tenant: string;
  /** Its line in the audit log of the record's database. */
  readonly auditSequence: bigint;
}

/** An operator has deleted records. */
export interface RecordPurge {
  readonly actor: string;
  readonly action: "purge";
  readonly tenant: string;
  /** What was named: one record, a scope, or all of the tenant. */
  readonly target: "record" | "scope" | "tenant";
  readonly purged: number;
  /** Lines of the audit log whose keys were blotted out. */
  readonly redacted: number;
  /** Left because somebody holds them. */
  readonly held: number;
}

/** Told of changes once they are made. */
export interface RecordChangeLog {
  changed(change: RecordChange): void;
  purged(purge: RecordPurge): void;
}

const RECORD_CHANGES = {
  release: "a record was released",
  resolve: "an unknown outcome was resolved",
  reset: "a record was reset",
} as const satisfies Record<RecordChange["action"], string>;

/** The same of records, by those who change them. Neither scopes nor keys are logged. */
export function logRecordChanges(log: Pick<Log, "info">): RecordChangeLog {
  return {
    changed({ auditSequence, ...change }) {
      log.info({ ...change, auditSequence: String(auditSequence) }, RECORD_CHANGES[change.action]);
    },
    purged: (purge) => log.info({ ...purge }, "records were purged"),
  };
}
