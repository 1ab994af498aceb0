import type { RecordKey } from "../../../src/domain/key.ts";
import type { StoredRecord } from "../../../src/domain/record.ts";
import {
  decideRelease,
  decideReset,
  decideResolve,
  type OperatorDecision,
  type Verdict,
} from "../../../src/domain/reducer/operator.ts";
import { decodeState } from "../../../src/store/postgres/record-row.ts";
import type { OperatorChange } from "./cause.ts";
import { callsOf, keyOf } from "./columns.ts";
import { clockOf, type Run, type Running } from "./running.ts";
import { packRecord, packRow, readArray, toRow } from "./wire.ts";

/** peek.sql, server-time.sql, and what an operator does to one record: release.sql, resolve.sql, reset.sql. */

export const peek: Run = async (running, values) => {
  const seenAt = clockOf(running, values[3])();
  const keys = callsOf(values.slice(0, 3).map(readArray), keyOf);
  // biome-ignore format: one after the other, as they are sent
  return keys.map(({ tenant, scope, key }, i) => ({
    call: packRow([
      ["int8", i + 1], ["text", tenant], ["text", scope], ["text", key], ["timestamptz", seenAt],
    ]),
    record: packRecord(running.read(running.rowOf({ tenant, scope, key }))),
  }));
};

export const serverTime: Run = async (running, [asOf]) => [{ now: clockOf(running, asOf)() }];

export const AUDIT_HEAD = "the head of the audit log";

export const lockHead: Run = async (running) => {
  await running.lock(AUDIT_HEAD);
  return [{ sequence: 1n }];
};

type Kind = "release" | "resolve" | "reset";

export const release: Run = (running, values) =>
  operate(running, "release", values, { force: false, state: null, verdict: { kind: "not-done" } }, values[7]);

export const resolve: Run = (running, values) => {
  const [, , , , , force, state, outcome] = values;
  const verdict: Verdict =
    state === 2
      ? { kind: "not-done" }
      : ({ kind: decodeState(Number(state)), outcome: outcome as Uint8Array | null } as Verdict);
  return operate(running, "resolve", values, { force: force === true, state: null, verdict }, values[10]);
};

export const reset: Run = (running, values) => {
  const [, , , , , force, seen] = values;
  const state = seen === null ? null : seen === 6 ? "expired" : decodeState(Number(seen));
  return operate(running, "reset", values, { force: force === true, state, verdict: { kind: "not-done" } }, values[9]);
};

export function decideOperator(
  kind: Kind,
  stored: StoredRecord | null,
  call: OperatorChange,
  now: number,
): OperatorDecision {
  switch (kind) {
    case "release":
      return decideRelease(stored, call, call.token, now);
    case "resolve":
      return decideResolve(stored, call, call.token, now);
    case "reset":
      return decideReset(stored, call, call.token, now);
  }
}

async function operate(
  running: Running,
  kind: Kind,
  values: readonly unknown[],
  said: Pick<OperatorChange, "force" | "state" | "verdict">,
  asOf: unknown,
): Promise<readonly unknown[]> {
  const [tenant, scope, name, fence, token] = values;
  const clock = clockOf(running, asOf);
  const key: RecordKey = { tenant: String(tenant), scope: String(scope), key: String(name) };
  const call: OperatorChange = { ...said, fence: fence as bigint, token: token as Uint8Array };
  const row = running.rowOf(key);
  const seenAt = clock();
  const found = running.read(row);
  const asFound = [found === null ? nothing(key, seenAt) : { ...bare(found), seen_at: seenAt, changed_sequence: null }];
  if (decideOperator(kind, found, call, seenAt).refusal !== null) return asFound;
  await running.lock(AUDIT_HEAD);
  const sequence = running.nextAuditSequence();
  await running.lock(row);
  const now = clock();
  const { next } = decideOperator(kind, running.read(row), call, now);
  if (next === null) return asFound;
  running.write({ row, key, record: next, cause: { kind, call, at: running.now() } });
  return [{ ...bare(next), seen_at: now, changed_sequence: sequence }];
}

function bare(record: StoredRecord) {
  return { ...toRow(record), outcome: record.outcome === null ? null : new Uint8Array(), checkpoint: null };
}

function nothing(key: RecordKey, seenAt: number) {
  return { ...key, state: null, seen_at: seenAt, changed_sequence: null };
}
