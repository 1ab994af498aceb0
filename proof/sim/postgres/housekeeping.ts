import { emptied, hasEnded, isExpired, isForgotten, type StoredRecord } from "../../../src/domain/record.ts";
import { isHeld } from "../../../src/domain/reducer/operator.ts";
import { stuckReason } from "../../../src/domain/stuck.ts";
import { callsOf, keyOf } from "./columns.ts";
import { holdsContent, isAbandoned, isExhausted } from "./due.ts";
import { clockOf, type Run, type Running } from "./running.ts";
import { readArray } from "./wire.ts";

/** forget.sql, empty.sql, lapsed.sql, abandon.sql and purge.sql. */

/** Runs over the rows that match, as long as nobody else holds them. */
async function sweep(
  running: Running,
  limit: number,
  matches: (record: StoredRecord) => boolean,
  apply: (row: string, record: StoredRecord) => void,
): Promise<readonly unknown[]> {
  let count = 0;
  for (const [row, record] of running.rows().filter(([, each]) => matches(each))) {
    if (count >= limit || !running.isFree(row)) continue;
    await running.lock(row);
    const latest = running.read(row);
    if (latest === null || !matches(latest)) continue;
    apply(row, latest ?? record);
    count++;
  }
  return [{ rows: BigInt(count) }];
}

export const forget: Run = async (running, [limit, asOf, upTo]) => {
  const clock = clockOf(running, asOf, upTo);
  const at = running.now();
  return sweep(
    running,
    Number(limit),
    (record) => hasEnded(record) && isForgotten(record, clock()),
    (row, record) => remove(running, row, record, { kind: "forget", at }),
  );
};

export const empty: Run = async (running, [limit, asOf, upTo]) => {
  const clock = clockOf(running, asOf, upTo);
  return sweep(
    running,
    Number(limit),
    (record) => isExpired(record, clock()) && !isForgotten(record, clock()) && holdsContent(record),
    (row, record) =>
      running.write({ row, key: record.key, record: emptied(record), cause: { kind: "empty", at: running.now() } }),
  );
};

const STUCK = ["outcome-unknown", "lease-expired", "overdue"] as const;

/** All open records in one window. */
export const lapsed: Run = async (running, values) => {
  const now = clockOf(running, values[5])();
  const open = running.rows().filter(([, record]) => !hasEnded(record));
  return open.map(([, record]) => {
    const reason = stuckReason(record, now);
    return {
      ...record.key,
      fence: record.lease.fence,
      create_time: record.createTime,
      abandoned: isAbandoned(record, now) || (running.has("purge-live") && record.state === "in-progress"),
      exhausted: isExhausted(record, now),
      now,
      stuck: reason === null ? null : STUCK.indexOf(reason) + 1,
      stuck_since: record.due,
    };
  });
};

export const abandon: Run = async (running, values) => {
  const clock = clockOf(running, values[4], values[5]);
  const calls = callsOf(values.slice(0, 4).map(readArray), (column) => ({
    row: running.rowOf(keyOf(column)),
    fence: column(3) as bigint,
  }));
  const named = new Map(calls.map(({ row, fence }) => [row, fence]));
  return sweep(
    running,
    calls.length,
    (record) =>
      named.get(running.rowOf(record.key)) === record.lease.fence &&
      (isAbandoned(record, clock()) || running.has("purge-live")),
    (row, record) => remove(running, row, record, { kind: "abandon", at: running.now() }),
  );
};

/** In a transaction that has locked the head of the audit log. Nothing is told of the log's own lines. */
export const purge: Run = async (running, values) => {
  const [tenant, fromScope, fromKey, lastScope, lastKey, force, limit, , , , asOf] = values;
  const seenAt = clockOf(running, asOf)();
  const at = running.now();
  const position = (scope: unknown, key: unknown) => `${String(scope)}\0${String(key)}`;
  const looked = running
    .rows()
    .filter(([, { key }]) => key.tenant === tenant)
    .filter(([, { key }]) => position(key.scope, key.key) >= position(fromScope, fromKey))
    .filter(([, { key }]) => position(key.scope, key.key) <= position(lastScope, lastKey))
    .slice(0, Number(limit));
  const mayGo = (record: StoredRecord) => force === true || running.has("purge-live") || !isHeld(record, seenAt);
  const gone: StoredRecord[] = [];
  await running.pause();
  for (const [row, record] of looked) {
    if (!mayGo(record)) continue;
    await running.lock(row);
    const latest = running.read(row);
    if (latest === null || !mayGo(latest)) continue;
    remove(running, row, latest, { kind: "purge", force: force === true, at });
    gone.push(latest);
  }
  const summary = {
    looked: BigInt(looked.length),
    purged: BigInt(gone.length),
    redacted: 0n,
    to_scope: lastScope,
    to_key: lastKey,
  };
  if (gone.length === 0) return [{ scope: null, key: null, ...summary }];
  return gone.map(({ key }) => ({ scope: key.scope, key: key.key, ...summary }));
};

function remove(
  running: Running,
  row: string,
  record: StoredRecord,
  cause: Parameters<Running["write"]>[0]["cause"],
): void {
  running.write({ row, key: record.key, record: null, cause });
  running.raiseFloor(record.lease.fence);
}
