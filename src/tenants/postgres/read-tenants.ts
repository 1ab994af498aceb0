import type { Instant } from "../../domain/instant.ts";
import type { HostPath, TrustedIssuer, Validator } from "../../domain/registration.ts";
import type { TenantHealth } from "../../domain/tenant.ts";
import type { Connection } from "../../store/postgres/connection.ts";
import type { StoredTenant } from "../table.ts";
import { loadStatement } from "./statement.ts";

const READ = loadStatement("read-tenants");

/** Those that are registered, by id. */
export async function readTenants(connection: Connection, ids: readonly string[]): Promise<readonly StoredTenant[]> {
  return (await connection.query<TenantRow>(READ, [ids])).map(toStoredTenant);
}

export async function readTenant(connection: Connection, id: string): Promise<StoredTenant | null> {
  const [tenant] = await readTenants(connection, [id]);
  return tenant ?? null;
}

interface TenantRow {
  readonly id: string;
  readonly display_name: string;
  readonly generation: bigint;
  readonly health: TenantHealth;
  readonly health_reason: string;
  readonly health_since: Instant;
  readonly draining: boolean;
  readonly agent_url: string;
  readonly validator: Validator["kind"];
  readonly validator_url: string;
  readonly eager: boolean;
  readonly serve_states: readonly TenantHealth[];
  readonly placement: string;
  readonly encrypted: boolean;
  readonly new_records_per_second: number;
  readonly new_records_burst: bigint;
  readonly live_records: bigint;
  readonly stored_bytes: bigint;
  readonly leases: bigint;
  readonly waiters: bigint;
  readonly hold: boolean;
  readonly max_attempts: number;
  readonly max_execution_ms: bigint | null;
  readonly result_retention_ms: bigint;
  readonly tombstone_retention_ms: bigint;
  readonly create_time: Instant;
  readonly update_time: Instant;
  readonly hosts: readonly HostPath[];
  readonly issuers: readonly TrustedIssuer[];
}

function toStoredTenant(row: TenantRow): StoredTenant {
  return {
    registration: {
      id: row.id,
      displayName: row.display_name,
      hosts: row.hosts,
      issuers: row.issuers,
      agentUrl: row.agent_url,
      validator: row.validator === "none" ? { kind: "none" } : { kind: row.validator, url: row.validator_url },
      eager: row.eager,
      limits: {
        newRecordsPerSecond: row.new_records_per_second,
        newRecordsBurst: Number(row.new_records_burst),
        liveRecords: row.live_records,
        storedBytes: row.stored_bytes,
        leases: Number(row.leases),
        waiters: Number(row.waiters),
      },
      policy: {
        hold: row.hold,
        maxAttempts: row.max_attempts,
        maxExecutionMs: row.max_execution_ms === null ? null : Number(row.max_execution_ms),
        resultRetentionMs: Number(row.result_retention_ms),
        tombstoneRetentionMs: Number(row.tombstone_retention_ms),
      },
      placement: row.placement,
      serveStates: row.serve_states,
      encrypted: row.encrypted,
    },
    generation: row.generation,
    health: { health: row.health, reason: row.health_reason, since: row.health_since },
    draining: row.draining,
    createTime: row.create_time,
    updateTime: row.update_time,
  };
}
