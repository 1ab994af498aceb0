import type { RecordKey } from "../../../domain/key.ts";
import { type StuckReason, stuckReason } from "../../../domain/stuck.ts";
import type { Tenants } from "../../../tenants/tenants.ts";
import type { Caller } from "../../access.ts";
import { deriveState, visible } from "../../derive.ts";
import { faultOf } from "../../faults.ts";
import type { SeenRecord } from "../../get-record.ts";
import { MAY_LOOK, serveRecords } from "./access.ts";
import { type TimelineEvent, timelineOf } from "./events.ts";

export interface GetRecordTimelineDeps {
  readonly tenants: Pick<Tenants, "enter">;
}

export interface RecordTimeline extends SeenRecord {
  /** Oldest first. */
  readonly events: readonly TimelineEvent[];
  readonly stuck: StuckReason | null;
  /** Whether the caller may see what the work has produced: errors and the data of the checkpoint. */
  readonly mayRead: boolean;
}

/** Throws `Fault` ROLE_REQUIRED, TENANT_FORBIDDEN, TENANT_NOT_FOUND, RECORD_NOT_FOUND, and as `OperatorStore.history`. */
export type GetRecordTimeline = (caller: Caller, named: RecordKey) => Promise<RecordTimeline>;

export function createGetRecordTimeline({ tenants }: GetRecordTimelineDeps): GetRecordTimeline {
  return async (caller, named) => {
    const { tenant, runtime } = await serveRecords(tenants, caller, named.tenant, MAY_LOOK);
    const history = await runtime.store.history({ ...named, tenant: tenant.id }, caller.deadline);
    if (history === null) throw faultOf("RECORD_NOT_FOUND");
    const { now } = history;
    const record = visible(history.record, now);
    return {
      state: deriveState(history.record, now),
      record,
      now,
      events: timelineOf(record, history),
      stuck: stuckReason(record, now),
      mayRead: caller.principal.roles.has("read"),
    };
  };
}
