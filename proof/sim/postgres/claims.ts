import type { ClaimCall, MayAcquire, Reuse } from "../../../src/domain/calls.ts";
import type { Instant } from "../../../src/domain/instant.ts";
import type { StoredRecord } from "../../../src/domain/record.ts";
import { decideClaim } from "../../../src/domain/reducer/claim.ts";
import { type Column, callsOf, keyOf } from "./columns.ts";
import { clockOf, type Run, type Running } from "./running.ts";
import { packRecord, packRow, readArray, readInstant } from "./wire.ts";

/** claim.sql, reclaim.sql and reconcile.sql: what each reads, locks, compares and writes, decided by the reducer. */

const REUSE: readonly Reuse[] = ["replay-all", "retry-failed", "reject"];
const MAY_ACQUIRE: readonly MayAcquire[] = ["nothing", "existing", "anything"];

interface Seen {
  readonly call: ClaimCall;
  readonly row: string;
  readonly record: StoredRecord | null;
}

interface Moment {
  readonly seenAt: Instant;
  /** The same by the database's own clock. */
  readonly at: Instant;
  readonly fenceFloor: bigint;
}

/** Creates what is not there, reports the rest as it was read. */
export const claim: Run = async (running, values) => {
  const [notAfter, asOf] = values.slice(16);
  const clock = clockOf(running, asOf);
  const { seen, moment } = look(running, clock, values.slice(0, 16).map(readArray), (column) => ({
    ...callOf(column, { evidence: 10, externalRef: 9, policy: 11 }),
    reuse: "replay-all",
    mayAcquire: column(8) === true ? "anything" : "existing",
  }));
  await running.pause();
  const won = new Map<Seen, StoredRecord>();
  for (const one of inOrder(running, seen)) {
    const { call, row } = one;
    if (one.record !== null || call.mayAcquire !== "anything" || isLate(running, clock, notAfter)) continue;
    await running.lock(row);
    if (running.read(row) !== null) continue;
    const { next } = decideClaim(null, call, moment.seenAt, moment.fenceFloor);
    if (next === null) throw new Error("an absent record was not created");
    const byClock = BigInt(Math.trunc(clock()));
    const fence = byClock > moment.fenceFloor ? byClock : moment.fenceFloor + 1n;
    won.set(one, write(running, one, moment, { ...next, lease: { ...next.lease, fence } }));
  }
  return seen.map((one, i) => claimRow(one, i, moment, won.get(one) ?? null));
};

/** Takes what is there, over or anew. */
export const reclaim: Run = async (running, values) =>
  take(running, values, 17, (column) => ({
    ...callOf(column, { evidence: 10, externalRef: 9, policy: 12 }),
    reuse: REUSE[Number(column(8)) - 1] ?? "replay-all",
    mayAcquire: MAY_ACQUIRE[Number(column(11))] ?? "nothing",
  }));

/** Takes unknown outcomes. */
export const reconcile: Run = async (running, values) =>
  take(running, values, 9, (column) => ({
    ...ownOf(column),
    fingerprint: { algorithm: "", digest: column(5) as Uint8Array },
    leaseMs: Number(column(6)),
    intent: "reconcile",
    reuse: "replay-all",
    policy: { hold: false, maxAttempts: 0, maxExecutionMs: null, resultRetentionMs: 0, tombstoneRetentionMs: 0 },
    evidence: column(8) as Uint8Array,
    externalRef: null,
    mayAcquire: column(7) === true ? "anything" : "nothing",
  }));

async function take(
  running: Running,
  values: readonly unknown[],
  columns: number,
  toCall: (column: Column) => ClaimCall,
): Promise<readonly unknown[]> {
  const [notAfter, asOf] = values.slice(columns);
  const clock = clockOf(running, asOf);
  const { seen, moment } = look(running, clock, values.slice(0, columns).map(readArray), toCall);
  await running.pause();
  const won = new Map<Seen, StoredRecord>();
  for (const one of inOrder(running, seen)) {
    const { call, row, record } = one;
    if (record === null || !acquires(record, call, moment) || isLate(running, clock, notAfter)) continue;
    await running.lock(row);
    const latest = running.read(row);
    if (latest === null || !isAsRead(latest, record)) continue;
    const { answer, next } = decideClaim(latest, call, moment.seenAt, moment.fenceFloor);
    if (answer.kind !== "acquired" || next === null) continue;
    won.set(one, write(running, one, moment, next));
  }
  return seen.map((one, i) => claimRow(one, i, moment, won.get(one) ?? null));
}

function look(
  running: Running,
  clock: () => Instant,
  columns: readonly (readonly unknown[])[],
  toCall: (column: Column) => ClaimCall,
): { readonly seen: readonly Seen[]; readonly moment: Moment } {
  const seen = callsOf(columns, toCall).map((call): Seen => {
    const row = running.rowOf(call.key);
    return { call, row, record: running.read(row) };
  });
  return { seen, moment: { seenAt: clock(), at: running.now(), fenceFloor: running.fenceFloor } };
}

function ownOf(column: Column): Pick<ClaimCall, "key" | "claimId" | "token"> {
  return { key: keyOf(column), claimId: String(column(3)), token: column(4) as Uint8Array };
}

function callOf(
  column: Column,
  places: { readonly evidence: number; readonly externalRef: number; readonly policy: number },
): Omit<ClaimCall, "reuse" | "mayAcquire"> {
  const { evidence, externalRef, policy } = places;
  const maxExecutionMs = column(policy + 2) as bigint | null;
  return {
    ...ownOf(column),
    fingerprint: { digest: column(5) as Uint8Array, algorithm: String(column(6)) },
    leaseMs: Number(column(7)),
    intent: "execute",
    evidence: column(evidence) as Uint8Array,
    externalRef: column(externalRef) as string | null,
    policy: {
      hold: column(policy) === true,
      maxAttempts: Number(column(policy + 1)),
      maxExecutionMs: maxExecutionMs === null ? null : Number(maxExecutionMs),
      resultRetentionMs: Number(column(policy + 3)),
      tombstoneRetentionMs: Number(column(policy + 4)),
    },
  };
}

function inOrder(running: Running, seen: readonly Seen[]): readonly Seen[] {
  return running.order(seen.length).flatMap((index) => seen[index] ?? []);
}

function isLate(running: Running, clock: () => Instant, notAfter: unknown): boolean {
  return !running.has("no-not-after") && clock() >= (readInstant(notAfter) ?? 0);
}

function acquires(record: StoredRecord, call: ClaimCall, { seenAt, fenceFloor }: Moment): boolean {
  return decideClaim(record, call, seenAt, fenceFloor).answer.kind === "acquired";
}

function isAsRead(latest: StoredRecord, read: StoredRecord): boolean {
  return (
    latest.lease.fence === read.lease.fence &&
    latest.state === read.state &&
    latest.due === read.due &&
    latest.checkpointSequence === read.checkpointSequence
  );
}

function write(running: Running, { call, row }: Seen, moment: Moment, next: StoredRecord): StoredRecord {
  const { lease, attempt } = next;
  const record = running.has("attempt-as-fence") ? { ...next, lease: { ...lease, fence: BigInt(attempt) } } : next;
  const { at, fenceFloor } = moment;
  running.write({ row, key: call.key, record, cause: { kind: "claim", call, at, fenceFloor } });
  return record;
}

function claimRow({ call, record }: Seen, index: number, moment: Moment, won: StoredRecord | null): unknown {
  const { tenant, scope, key } = call.key;
  // biome-ignore format: one after the other, as they are sent
  return {
    call: packRow([
      ["int8", index + 1], ["text", tenant], ["text", scope], ["text", key], ["timestamptz", moment.seenAt],
      ["int8", moment.fenceFloor], ["int8", won?.lease.fence], ["timestamptz", won?.due], ["int4", won?.attempt],
      ["bytea", won?.lease.token], ["bool", won?.hasWaiters],
    ]),
    record: won !== null && record === null ? null : packRecord(record),
  };
}
