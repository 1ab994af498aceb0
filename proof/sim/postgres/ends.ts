import type { EndKind, FinishCall, HeartbeatCall } from "../../../src/domain/calls.ts";
import type { Instant } from "../../../src/domain/instant.ts";
import type { RecordKey } from "../../../src/domain/key.ts";
import { hasEnded, type StoredRecord } from "../../../src/domain/record.ts";
import { settle as settleRecord } from "../../../src/domain/reducer/claim.ts";
import { decideFinish } from "../../../src/domain/reducer/finish.ts";
import { decideHeartbeat } from "../../../src/domain/reducer/heartbeat.ts";
import { decodeState, encodeState } from "../../../src/store/postgres/record-row.ts";
import type { Cause } from "./cause.ts";
import { callsOf, keyOf } from "./columns.ts";
import { isExhausted } from "./due.ts";
import { clockOf, type Run, type Running } from "./running.ts";
import { packRow, readArray, toRow } from "./wire.ts";

/** heartbeat.sql, finish.sql, watch.sql and settle.sql: statements that return only what they have changed. */

interface Keyed {
  readonly key: RecordKey;
}

interface Effect {
  readonly next: StoredRecord;
  /** By the clock that the statement went by. */
  readonly now: Instant;
  readonly late: boolean;
  readonly cause: Cause;
}

/** A row that was changed: its number, as it is now and as it was. */
interface Changed<Call> extends Effect {
  readonly call: Call;
  readonly i: number;
  readonly before: StoredRecord;
}

/** Looks at each row, locks those that it may change, and looks again. */
async function change<Call extends Keyed>(
  running: Running,
  calls: readonly Call[],
  effectOf: (record: StoredRecord, call: Call) => Effect | null,
): Promise<readonly Changed<Call>[]> {
  const isCandidate = calls.map((call) => {
    const record = running.read(running.rowOf(call.key));
    return record !== null && effectOf(record, call) !== null;
  });
  await running.pause();
  const changed: Changed<Call>[] = [];
  for (const i of running.order(calls.length)) {
    const call = calls[i];
    if (call === undefined || !isCandidate[i]) continue;
    const row = running.rowOf(call.key);
    await running.lock(row);
    const before = running.read(row);
    const effect = before === null ? null : effectOf(before, call);
    if (before === null || effect === null) continue;
    running.write({ row, key: call.key, record: effect.next, cause: effect.cause });
    changed.push({ call, i: i + 1, before, ...effect });
  }
  const inOrder = changed.toSorted((a, b) => a.i - b.i);
  if (!running.has("by-position")) return inOrder;
  return inOrder.map((one, i) => ({ ...one, i: i + 1, call: calls[i] ?? one.call }));
}

export const heartbeat: Run = async (running, values) => {
  const columns = values.slice(0, 10).map(readArray);
  const [isLazy, asOf] = values.slice(10);
  const clock = clockOf(running, asOf);
  if (isLazy === true) running.makeLazy();
  const calls = callsOf(
    columns,
    (column): HeartbeatCall => ({
      key: keyOf(column),
      proof: { token: column(3) as Uint8Array, fence: column(4) as bigint },
      leaseMs: Number(column(5)),
      checkpoint: checkpointOf(column(6), column(7)),
      progress: column(8) as Uint8Array | null,
      externalRef: column(9) as string | null,
    }),
  );
  const changed = await change(running, calls, (record, call) => {
    const now = clock();
    const { next } = decideHeartbeat(record, asProven(running, record, call), now);
    return next && { next, now, late: false, cause: { kind: "heartbeat", call, at: running.now() } };
  });
  // biome-ignore format: one after the other, as they are sent
  return changed.map(({ i, call: { key }, next, now }) => ({
    call: packRow([
      ["int8", i], ["text", key.tenant], ["text", key.scope], ["text", key.key], ["timestamptz", next.due],
      ["bool", next.hasWaiters], ["timestamptz", now],
    ]),
  }));
};

export const finish: Run = async (running, values) => {
  const columns = values.slice(0, 13).map(readArray);
  const clock = clockOf(running, values[13]);
  if (running.has("lazy-ends")) running.makeLazy();
  const calls = callsOf(
    columns,
    (column): FinishCall => ({
      key: keyOf(column),
      proof: { token: column(3) as Uint8Array, fence: column(4) as bigint },
      kind: endKindOf(Number(column(5)), column(6) === true),
      delayMs: Number(column(7)),
      outcome: column(8) as Uint8Array | null,
      digest: column(9) as Uint8Array,
      checkpoint: checkpointOf(column(10), column(11)),
      onlyIfDue: column(12) as Instant | null,
    }),
  );
  const changed = await change(running, calls, (record, call) => {
    const now = clock();
    const { answer, next } = decideFinish(record, asProven(running, record, call), now);
    if (next === null || answer.kind !== "ended") return null;
    return { next, now, late: answer.late, cause: { kind: "finish", call, at: running.now() } };
  });
  // biome-ignore format: one after the other, as they are sent
  return changed.map(({ i, call: { key }, next, now, late }) => ({
    call: packRow([
      ["int8", i], ["text", key.tenant], ["text", key.scope], ["text", key.key], ["int2", encodeState(next.state)],
      ["timestamptz", next.due], ["bool", next.hasWaiters], ["bool", late],
      ["timestamptz", now],
    ]),
  }));
};

export const watch: Run = async (running, values) => {
  running.makeLazy();
  const calls = callsOf(values.slice(0, 5).map(readArray), (column) => ({
    key: keyOf(column),
    state: decodeState(Number(column(3))),
    fence: column(4) as bigint,
  }));
  const changed = await change(running, calls, (record, call) => {
    const isAsRead = record.state === call.state && record.lease.fence === call.fence && !hasEnded(record);
    if (record.hasWaiters || !(isAsRead || running.has("blind-flag"))) return null;
    const at = running.now();
    return { next: { ...record, hasWaiters: true }, now: at, late: false, cause: { kind: "watch", call, at } };
  });
  return changed.map(({ i, call }) => ({ i: BigInt(i), ...call.key }));
};

export const settle: Run = async (running, values) => {
  const clock = clockOf(running, values[4]);
  const calls = callsOf(values.slice(0, 4).map(readArray), (column) => ({
    key: keyOf(column),
    fence: column(3) as bigint,
  }));
  const changed = await change(running, calls, (record, { fence }) => {
    const now = clock();
    if (record.lease.fence !== fence || !isExhausted(record, now)) return null;
    return { next: settleRecord(record, now), now, late: false, cause: { kind: "settle", at: running.now() } };
  });
  return changed.map(({ i, call, next }) => ({ ...toRow(next), ...call.key, i: BigInt(i), seen_at: next.endTime }));
};

function checkpointOf(encoded: unknown, sequence: unknown): HeartbeatCall["checkpoint"] {
  return encoded === null ? null : { encoded: encoded as Uint8Array, sequence: sequence as bigint };
}

function endKindOf(wanted: number, isNotStarted: boolean): EndKind {
  if (isNotStarted) return "not-started";
  return wanted === 3 ? "complete" : wanted === 4 ? "terminal" : wanted === 5 ? "outcome-unknown" : "retryable";
}

/** The call as a statement without one of its guards would take it. */
function asProven<Call extends Pick<FinishCall, "proof">>(running: Running, record: StoredRecord, call: Call): Call {
  const { token, fence } = record.lease;
  if (running.has("no-token")) return { ...call, proof: { ...call.proof, token } };
  return running.has("no-fence") ? { ...call, proof: { ...call.proof, fence } } : call;
}
