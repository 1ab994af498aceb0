import type { Instant } from "../../domain/instant.ts";
import type { TenantRegistration } from "../../domain/registration.ts";
import type { TenantHealth } from "../../domain/tenant.ts";
import type { Connection } from "../../store/postgres/connection.ts";
import type { Change, StoredTenant } from "../table.ts";
import { registrationArguments, registrationDetail } from "./registration-arguments.ts";
import { loadStatement } from "./statement.ts";

const UPDATE = loadStatement("update-tenant");

export type Updated =
  | { readonly kind: "updated"; readonly tenant: StoredTenant }
  /** There is no such tenant. */
  | { readonly kind: "absent" }
  /** It has not the generation that was asked for. */
  | { readonly kind: "other-generation" }
  /** It was changed while the statement waited for its turn; the same again. */
  | { readonly kind: "overtaken" };

/** Fails with the driver's error when a host or an issuer is taken. */
export async function updateTenant(
  connection: Connection,
  registration: TenantRegistration,
  health: TenantHealth | null,
  generation: bigint | null,
  { actor, reason }: Change,
): Promise<Updated> {
  const [row] = await connection.query<UpdateRow>(UPDATE, [
    ...registrationArguments(registration),
    ...[health, generation, actor, reason, registrationDetail(registration)],
  ]);
  if (row === undefined) throw new Error("bug: no row from update-tenant");
  if (row.generation !== null) return { kind: "updated", tenant: toStoredTenant(registration, row) };
  if (row.found === null) return { kind: "absent" };
  return { kind: generation === null || generation === row.found ? "overtaken" : "other-generation" };
}

interface UpdatedRow {
  readonly generation: bigint;
  readonly health: TenantHealth;
  readonly health_reason: string;
  readonly health_since: Instant;
  readonly draining: boolean;
  readonly create_time: Instant;
  readonly update_time: Instant;
  readonly placement: string;
  readonly encrypted: boolean;
}

type UpdateRow = { readonly found: bigint | null } & (UpdatedRow | { readonly generation: null });

function toStoredTenant(registration: TenantRegistration, row: UpdatedRow): StoredTenant {
  const { placement, encrypted } = row;
  return {
    registration: { ...registration, placement, encrypted },
    generation: row.generation,
    health: { health: row.health, reason: row.health_reason, since: row.health_since },
    draining: row.draining,
    createTime: row.create_time,
    updateTime: row.update_time,
  };
}
