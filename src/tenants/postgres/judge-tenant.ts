import type { Instant } from "../../domain/instant.ts";
import type { TenantHealth } from "../../domain/tenant.ts";
import { type HealthEvent, nextHealth } from "../../domain/tenant-health.ts";
import type { Connection } from "../../store/postgres/connection.ts";
import { unavailable } from "../../store/postgres/errors.ts";
import type { Change, HealthState } from "../table.ts";
import { loadStatement } from "./statement.ts";

const HEALTH = loadStatement("tenant-health");
const JUDGE = loadStatement("judge-tenant");

/** How often others may be first, one after the other. */
const TRIES_MAX = 10;
const REASON_BYTES_MAX = 256;

/**
 * Compares and sets, until nobody was first; what changes nothing is not written. The decision is `nextHealth`'s and
 * nobody else's: in the statement it would be made a second time.
 */
export async function judgeTenant(
  connection: Connection,
  id: string,
  generation: bigint,
  event: HealthEvent,
  change: Change,
): Promise<HealthState | null> {
  const healthReason = event.kind === "accepted" ? "" : cut(event.reason);
  for (let tries = 0; tries < TRIES_MAX; tries++) {
    const [row] = await connection.query<HealthRow>(HEALTH, [id, generation]);
    if (row === undefined) return null;
    const to = nextHealth(row.health, event);
    if (to === row.health && healthReason === row.health_reason) return toHealthState(row);
    const [judged] = await connection.query<HealthRow>(JUDGE, [
      ...[id, generation, row.health, to, healthReason],
      ...[change.actor, change.reason, event.kind],
    ]);
    if (judged !== undefined) return toHealthState(judged);
  }
  throw unavailable(new Error("the health of a tenant was changed by others again and again"));
}

interface HealthRow {
  readonly health: TenantHealth;
  readonly health_reason: string;
  readonly health_since: Instant;
}

function toHealthState({ health, health_reason, health_since }: HealthRow): HealthState {
  return { health, reason: health_reason, since: health_since };
}

/** As many whole characters as there is room for. */
function cut(text: string): string {
  const { read } = new TextEncoder().encodeInto(text, new Uint8Array(REASON_BYTES_MAX));
  return text.slice(0, read);
}
