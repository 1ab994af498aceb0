import type { Instant } from "../../domain/instant.ts";
import type { TenantRegistration } from "../../domain/registration.ts";
import type { TenantHealth } from "../../domain/tenant.ts";
import type { Connection } from "../../store/postgres/connection.ts";
import type { Change, StoredTenant } from "../table.ts";
import { registrationArguments, registrationDetail } from "./registration-arguments.ts";
import { loadStatement } from "./statement.ts";

const REGISTER = loadStatement("register-tenant");

/** Fails with the driver's error when the id, a host or an issuer is taken. */
export async function registerTenant(
  connection: Connection,
  registration: TenantRegistration,
  health: TenantHealth,
  { actor, reason }: Change,
): Promise<StoredTenant> {
  const detail = registrationDetail(registration);
  const values = [...registrationArguments(registration), health, actor, reason, detail];
  const [row] = await connection.query<RegisteredRow>(REGISTER, values);
  if (row === undefined) throw new Error("bug: no row from register-tenant");
  return {
    registration,
    generation: row.generation,
    health: { health, reason: "", since: row.health_since },
    draining: row.draining,
    createTime: row.create_time,
    updateTime: row.update_time,
  };
}

interface RegisteredRow {
  readonly generation: bigint;
  readonly health_since: Instant;
  readonly draining: boolean;
  readonly create_time: Instant;
  readonly update_time: Instant;
}
