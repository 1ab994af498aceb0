import type { Clock } from "../../../clock.ts";
import { hasEnded, type StoredRecord } from "../../../domain/record.ts";
import type { ListedRecord, ListPosition, RecordQuery } from "../../../store/operator-store.ts";
import type { Tenants } from "../../../tenants/tenants.ts";
import { type Caller, requireRole } from "../../access.ts";
import { MAY_LIST, serveRecords } from "./access.ts";
import { allowanceOf } from "./allowance.ts";
import { type RecordView, viewOf } from "./view.ts";

export interface ListRecordsDeps {
  readonly tenants: Pick<Tenants, "enter">;
  readonly clock: Pick<Clock, "monotonicMs">;
}

export interface ListRecordsInput extends RecordQuery {
  /** What only the caller of this operation can read of a record, for instance who holds it; null: any. */
  readonly matches: ((record: StoredRecord) => boolean) | null;
}

export interface RecordListing {
  readonly records: readonly RecordView[];
  /** Where the next page begins; null: this was the last one. */
  readonly next: ListPosition | null;
}

/**
 * `limit` at most. Fewer, or none, and yet a next page, when many had to be looked at for few that match, or when their
 * outcomes are large. Throws `Fault` ROLE_REQUIRED, TENANT_FORBIDDEN, TENANT_NOT_FOUND, and as `OperatorStore.list`.
 */
export type ListRecords = (caller: Caller, input: ListRecordsInput) => Promise<RecordListing>;

/** Pages of the store that one call looks through for its own; with `matches`, of so many records each. */
export const PAGES_MAX = 10;
const LOOK_AT_ONCE = 1000;

/** With a thousand records around them, outcomes of so many bytes fit into what a gRPC client takes by default. */
export const OUTCOMES_BYTES_MAX = 2 * 1024 * 1024;

export function createListRecords({ tenants, clock }: ListRecordsDeps): ListRecords {
  return async (caller, { matches, ...asked }) => {
    if (asked.withOutcomes) requireRole(caller.principal, "read");
    const { tenant, runtime } = await serveRecords(tenants, caller, asked.tenant, MAY_LIST);
    const query = { ...asked, tenant: tenant.id };
    const until = allowanceOf(clock, caller.deadline);
    const listing = createListing(asked);
    let after = asked.after;
    for (let pages = 1; ; pages++) {
      const limit = matches === null ? asked.limit - listing.records.length : LOOK_AT_ONCE;
      const { records, next, now } = await runtime.store.list({ ...query, after, limit }, caller.deadline);
      for (const listed of records) {
        if (matches !== null && !matches(listed.record)) continue;
        if (!listing.add(listed, viewOf(listed.record, now, listed.stuck))) return listing.cut();
      }
      const isFull = listing.records.length === asked.limit || pages === PAGES_MAX;
      if (next === null || isFull || clock.monotonicMs() >= until) return { records: listing.records, next };
      after = next;
    }
  };
}

/** Gathers what fits into one answer. */
function createListing({ limit }: Pick<RecordQuery, "limit">) {
  const records: RecordView[] = [];
  let bytes = 0;
  let last: ListPosition | null = null;
  return {
    records,
    /** False: there is no room for it. The first one always fits. */
    add(listed: ListedRecord, view: RecordView): boolean {
      bytes += view.record.outcome?.length ?? 0;
      if (records.length === limit || (records.length > 0 && bytes > OUTCOMES_BYTES_MAX)) return false;
      records.push(view);
      last = positionOf(listed);
      return true;
    },
    /** Goes on behind the last one that fitted. */
    cut: (): RecordListing => ({ records, next: last }),
  };
}

function positionOf({ record, stuck }: ListedRecord): ListPosition {
  const part = stuck !== null ? "stuck" : hasEnded(record) ? "ended" : "open";
  const { createTime, key } = record;
  return { part, createTime, scope: key.scope, key: key.key };
}
