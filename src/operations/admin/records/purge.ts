import type { Clock } from "../../../clock.ts";
import { Fault } from "../../../domain/fault.ts";
import type { PurgeCall, Purged } from "../../../store/operator-store.ts";
import type { RecordPurge } from "../../../telemetry/change-log.ts";
import type { Tenants } from "../../../tenants/tenants.ts";
import type { Caller } from "../../access.ts";
import { faultOf } from "../../faults.ts";
import { MAY_CHANGE, serveRecords } from "./access.ts";
import { allowanceOf } from "./allowance.ts";

export interface PurgeRecordsDeps {
  readonly tenants: Pick<Tenants, "enter">;
  readonly clock: Pick<Clock, "monotonicMs">;
  /** Told of what is in the audit log. Must not throw. */
  readonly purged: (purge: RecordPurge) => void;
}

export interface PurgeRecordsInput extends Pick<PurgeCall, "tenant" | "scope" | "key" | "force" | "reason"> {}

export interface PurgeOutcome {
  readonly purged: number;
  /** Left because somebody holds them. */
  readonly held: number;
  readonly more: boolean;
}

/**
 * Deletes what is named, up to a few thousand records or for as long as the caller's time allows. Of a single key it
 * throws `Fault` RECORD_NOT_FOUND when there is nothing, and INVALID_STATE when somebody holds it; of many there may be
 * none. A record that is long gone leaves its key in the audit log: where that was blotted out, none is deleted, and it is
 * no fault. Throws ROLE_REQUIRED, TENANT_FORBIDDEN and TENANT_NOT_FOUND, and as `OperatorStore.purge`; what was deleted before
 * stays so, and the same call again goes on.
 *
 * What it frees of the tenant's quota shows with the next measurement, as what is forgotten does.
 */
export type PurgeRecords = (caller: Caller, input: PurgeRecordsInput) => Promise<PurgeOutcome>;

/** In one transaction, with one line of the audit log: others wait for it no longer than for a pass of the sweeper. */
export const PURGE_AT_ONCE = 500;

/** In one call. Those that are held count for nothing, or a call could end among them each time and never come further. */
export const PURGED_MAX = 5000;

export function createPurgeRecords({ tenants, clock, purged: tell }: PurgeRecordsDeps): PurgeRecords {
  return async (caller, input) => {
    const { principal, deadline } = caller;
    const { tenant, runtime } = await serveRecords(tenants, caller, input.tenant, MAY_CHANGE);
    const call = { ...input, tenant: tenant.id, actor: principal.name, limit: PURGE_AT_ONCE };
    const until = allowanceOf(clock, deadline);
    let [purged, redacted, held] = [0, 0, 0];
    let after: Purged["next"] = null;
    try {
      do {
        const page: Purged = await runtime.store.purge({ ...call, after }, deadline);
        purged += page.keys.length;
        redacted += page.redacted;
        held += page.held;
        after = page.next;
      } while (after !== null && purged < PURGED_MAX && clock.monotonicMs() < until);
    } finally {
      const target = input.key !== null ? "record" : input.scope !== null ? "scope" : "tenant";
      const counts = { purged, redacted, held };
      if (purged + redacted > 0) tell({ actor: principal.name, action: "purge", tenant: tenant.id, target, ...counts });
    }
    if (input.key !== null && purged + redacted === 0) throw held > 0 ? heldFault() : faultOf("RECORD_NOT_FOUND");
    return { purged, held, more: after !== null };
  };
}

function heldFault(): Fault {
  const next = "wait for the end of the lease, or purge it with force";
  return new Fault("INVALID_STATE", `somebody holds the record; ${next}`);
}
