import { addMs, type Instant } from "../../domain/instant.ts";
import { compareKeys } from "../../domain/key.ts";
import {
  emptied,
  hasEnded,
  isExpired,
  isForgotten,
  isOutcomeUnknown,
  type SeenState,
  type StoredRecord,
} from "../../domain/record.ts";
import { stuckReason } from "../../domain/stuck.ts";
import type { ListedRecord, ListPosition, RecordPage, RecordQuery } from "../operator-store.ts";

/** Outcomes of one page; the first one always fits. */
export const OUTCOME_BYTES_MAX = 2 * 1024 * 1024;

const PARTS = ["stuck", "open", "ended"] as const satisfies ListPosition["part"][];

interface Placed extends ListedRecord {
  readonly position: ListPosition;
}

/** What `list` answers of these records, which may be a whole store's. */
export function listPage(records: IteratorObject<StoredRecord>, query: RecordQuery, now: Instant): RecordPage {
  const { after, limit } = query;
  const matching = records
    .filter((record) => record.key.tenant === query.tenant && !isForgotten(record, now))
    .filter((record) => matches(record, query, now))
    .map((record) => place(record, now))
    .filter(
      ({ stuck, position }) => (stuck !== null || !query.stuckOnly) && (after === null || isAfter(position, after)),
    )
    .toArray()
    .sort((a, b) => compare(a.position, b.position));
  const page = upToBytes(matching.slice(0, limit), query);
  const next = page.length < matching.length ? (page.at(-1)?.position ?? null) : null;
  return { records: page.map((placed) => toListed(placed, query, now)), next, now };
}

function matches(record: StoredRecord, query: RecordQuery, now: Instant): boolean {
  const { scope, keyPrefix, states, olderThanMs, newerThanMs } = query;
  if (scope !== null && record.key.scope !== scope) return false;
  if (keyPrefix !== null && !record.key.key.startsWith(keyPrefix)) return false;
  if (states !== null && !states.includes(listedState(record, now))) return false;
  if (olderThanMs !== null && record.createTime > addMs(now, -olderThanMs)) return false;
  return newerThanMs === null || record.createTime >= addMs(now, -newerThanMs);
}

function listedState(record: StoredRecord, now: Instant): SeenState {
  if (isExpired(record, now)) return "expired";
  return isOutcomeUnknown(record, now) ? "outcome-unknown" : record.state;
}

function place(record: StoredRecord, now: Instant): Placed {
  const stuck = stuckReason(record, now);
  const part = hasEnded(record) ? "ended" : stuck === null ? "open" : "stuck";
  const { createTime, key } = record;
  return { record, stuck, position: { part, createTime, scope: key.scope, key: key.key } };
}

function isAfter(position: ListPosition, after: ListPosition): boolean {
  return compare(position, after) > 0;
}

function compare(a: ListPosition, b: ListPosition): number {
  const byPart = PARTS.indexOf(a.part) - PARTS.indexOf(b.part);
  if (byPart !== 0) return byPart;
  // Not by their difference: both may be -Infinity.
  const byTime = a.part === "ended" || a.createTime === b.createTime ? 0 : a.createTime < b.createTime ? -1 : 1;
  return byTime || compareKeys({ ...a, tenant: "" }, { ...b, tenant: "" });
}

function upToBytes(page: readonly Placed[], { withOutcomes }: RecordQuery): readonly Placed[] {
  if (!withOutcomes) return page;
  let bytes = 0;
  return page.filter(({ record }, i) => {
    bytes += record.outcome?.length ?? 0;
    return i === 0 || bytes <= OUTCOME_BYTES_MAX;
  });
}

function toListed({ record: stored, stuck }: Placed, { withOutcomes }: RecordQuery, now: Instant): ListedRecord {
  const record = isExpired(stored, now) ? emptied(stored) : stored;
  return { record: { ...record, checkpoint: null, outcome: withOutcomes ? record.outcome : null }, stuck };
}
