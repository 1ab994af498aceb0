import { expect, test } from "vitest";
import { createHolders } from "../../../../proof/sim/judge/holders.ts";
import { createJudge } from "../../../../proof/sim/judge/judge.ts";
import { wrongWith } from "../../../../proof/sim/judge/rules.ts";
import { createWaits } from "../../../../proof/sim/judge/waits.ts";
import type { Cause } from "../../../../proof/sim/postgres/cause.ts";
import { createVirtualTime } from "../../../../proof/sim/time.ts";
import { addMs } from "../../../../src/domain/instant.ts";
import type { StoredRecord } from "../../../../src/domain/record.ts";
import { decideClaim } from "../../../../src/domain/reducer/claim.ts";
import { decideFinish } from "../../../../src/domain/reducer/finish.ts";
import { bytes, claimOf, finishOf, HOLDER, heartbeatOf, NOW, recordOf } from "../../../support/records.ts";

const HELD = recordOf();
const { key } = HELD;
const LAPSED_AT = addMs(HELD.due, 1);

const claimed = (before: StoredRecord | null, at = NOW): { readonly record: StoredRecord; readonly cause: Cause } => {
  const call = claimOf();
  const { next } = decideClaim(before, call, at, 0n);
  if (next === null) throw new Error("nothing is acquired");
  return { record: next, cause: { kind: "claim", call, at, fenceFloor: 0n } };
};

const completed = (before: StoredRecord): { readonly record: StoredRecord; readonly cause: Cause } => {
  const call = finishOf({ proof: before.lease });
  const { next } = decideFinish(before, call, NOW);
  if (next === null) throw new Error("nothing is ended");
  return { record: next, cause: { kind: "finish", call, at: NOW } };
};

const beat = (before: StoredRecord): Cause => ({
  kind: "heartbeat",
  call: heartbeatOf({ proof: before.lease }),
  at: NOW,
});

test.each<[string, StoredRecord | null, StoredRecord | null, Cause, RegExp | null]>([
  ["a takeover of what has lapsed", HELD, claimed(HELD, LAPSED_AT).record, claimed(HELD, LAPSED_AT).cause, null],
  [
    "a takeover of what is held",
    HELD,
    claimed(HELD, LAPSED_AT).record,
    { ...claimed(null).cause },
    /a claim that is in-progress has acquired/,
  ],
  ["an end by its holder", HELD, completed(HELD).record, completed(HELD).cause, null],
  [
    "an end by another token",
    HELD,
    completed(HELD).record,
    { kind: "finish", call: finishOf({ proof: { ...HOLDER, token: bytes("another token...") } }), at: NOW },
    /refused: LEASE_TOKEN_INVALID/,
  ],
  [
    "a result that is not the one that was sent",
    HELD,
    { ...completed(HELD).record, outcome: bytes("x") },
    completed(HELD).cause,
    /another record than the reducer/,
  ],
  ["a heartbeat after the end", completed(HELD).record, HELD, beat(HELD), /refused: INVALID_STATE/],
  ["a purge of what is held", HELD, null, { kind: "purge", force: false, at: NOW }, /a held record was purged/],
  ["a purge by force", HELD, null, { kind: "purge", force: true, at: NOW }, null],
  [
    "a tombstone that is forgotten too soon",
    completed(HELD).record,
    null,
    { kind: "forget", at: NOW },
    /before its time/,
  ],
  [
    "a flag on what has ended",
    completed(HELD).record,
    HELD,
    { kind: "watch", call: { key, state: "in-progress", fence: HOLDER.fence }, at: NOW },
    /was flagged/,
  ],
])("%s", (_name, before, after, cause, wrong) => {
  const found = wrongWith(before, after, cause);
  if (wrong === null) expect(found).toBeNull();
  else expect(found).toMatch(wrong);
});

function scene() {
  const time = createVirtualTime(1);
  const databaseNow = () => addMs(NOW, time.nowMs());
  const judge = createJudge({ time, isClockKept: true, databaseNow, tell: () => undefined });
  const pass = (ms: number) => Promise.all([time.sleep(ms), time.run(() => false)]);
  return { time, judge, databaseNow, pass };
}

test("a fence that does not rise is an accusation", () => {
  const { judge } = scene();
  const { record, cause } = claimed(null);
  judge.changed({ row: "", key, record, cause });
  expect(judge.accusation).toBeNull();
  judge.changed({ row: "", key, record: null, cause: { kind: "purge", force: true, at: NOW } });
  judge.changed({ row: "", key, record, cause });
  expect(judge.accusation).toMatch(/the fence does not rise/);
});

test("a crash may take back what nobody was told of, and nothing else", () => {
  const { judge } = scene();
  const first = claimed(null);
  judge.changed({ row: "", key, ...first });
  judge.acknowledge(key, judge.currentOf(key));
  judge.changed({ row: "", key, ...completed(first.record) });
  judge.restored(key, first.record);
  expect(judge.accusation).toBeNull();
  judge.changed({ row: "", key, ...completed(first.record) });
  judge.acknowledge(key, judge.currentOf(key));
  judge.restored(key, first.record);
  expect(judge.accusation).toMatch(/what somebody was told of is lost: completed/);
});

test("a crash may set a lease back, whoever was told of it", () => {
  const { judge } = scene();
  const { record, cause } = claimed(null);
  judge.changed({ row: "", key, record, cause });
  const longer = { ...record, due: addMs(record.due, 1_000) };
  const call = heartbeatOf({ proof: record.lease, leaseMs: 31_000 });
  judge.changed({ row: "", key, record: longer, cause: { kind: "heartbeat", call, at: NOW } });
  judge.acknowledge(key, judge.currentOf(key));
  judge.restored(key, record);
  expect(judge.accusation).toBeNull();
});

test("a claim that was said not to be made must not be", () => {
  const { judge } = scene();
  const { record, cause } = claimed(null);
  judge.deny(record.lease.token);
  judge.changed({ row: "", key, record, cause });
  expect(judge.accusation).toMatch(/said that it was not made/);
});

test("somebody who is to be told of an end waits no longer than the bound", async () => {
  const { time, judge, databaseNow, pass } = scene();
  const waits = createWaits({ judge, nowMs: time.nowMs, databaseNow, boundMs: () => 100, hasBackstop: true });
  const { record, cause } = claimed(null);
  judge.changed({ row: "", key, record, cause });
  const wait = { by: "claim", key, who: "a caller", server: "a server", sinceMs: 0 } as const;
  waits.begin(wait);
  await pass(5_000);
  waits.look();
  expect(judge.accusation).toBeNull();
  judge.changed({ row: "", key, ...completed(record) });
  await pass(99);
  waits.look();
  expect(judge.accusation).toBeNull();
  await pass(2);
  waits.look();
  expect(judge.accusation).toMatch(/a caller waits too long; the record is completed/);
});

test("nobody acquires what another one believes to hold", async () => {
  const { time, judge, pass } = scene();
  const holders = createHolders({ time, judge, isLeaseKept: true });
  const first = claimed(null);
  holders.changed({ row: "", key, ...first });
  holders.holds(key, first.record.lease.fence, "the holder", time.nowMs() + 1_000);
  await pass(999);
  const second = { ...first.record, lease: { ...first.record.lease, fence: first.record.lease.fence + 1n } };
  holders.changed({ row: "", key, record: second, cause: first.cause });
  expect(judge.accusation).toMatch(/stranger-* acquires while the holder holds it/);
});
