import { emptiedEvent } from "../../../domain/history.ts";
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
  /** Whether the caller may see what the work has produced: errors, empty otherwise, and the data of the checkpoint. */
  readonly mayRead: boolean;
}

/** Throws `Fault` ROLE_REQUIRED, TENANT_FORBIDDEN, TENANT_NOT_FOUND, RECORD_NOT_FOUND, and as `OperatorStore.history`. */
export type GetRecordTimeline = (caller: Caller, named: RecordKey) => Promise<RecordTimeline>;

export function createGetRecordTimeline({ tenants }: GetRecordTimelineDeps): GetRecordTimeline {
  return async (caller, named) => {
    const { tenant, runtime } = await serveRecords(tenants, caller, named.tenant, MAY_LOOK);
    const mayRead = caller.principal.roles.has("read");
    const query = { key: { ...named, tenant: tenant.id }, withOutcomes: mayRead };
    const history = await runtime.store.history(query, caller.deadline);
    if (history === null) throw faultOf("RECORD_NOT_FOUND");
    const { now } = history;
    const state = deriveState(history.record, now);
    const record = visible(history.record, now);
    const events = state === "expired" ? history.events.map(emptiedEvent) : history.events;
    return {
      state,
      record,
      now,
      events: timelineOf(record, { ...history, events }),
      stuck: stuckReason(record, now),
      mayRead,
    };
  };
}
