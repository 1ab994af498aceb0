import { expect, test } from "vitest";
import { createLocks } from "../../../../proof/sim/postgres/locks.ts";
import { createStorage } from "../../../../proof/sim/postgres/storage.ts";
import { packRecord, readArray, readInstant, toRow } from "../../../../proof/sim/postgres/wire.ts";
import { createVirtualTime } from "../../../../proof/sim/time.ts";
import type { StoredRecord } from "../../../../src/domain/record.ts";
import {
  boolArray,
  byteaArray,
  int8Array,
  textArray,
  timestamptzArray,
} from "../../../../src/store/postgres/binary-array.ts";
import { formatInstant } from "../../../../src/store/postgres/instant.ts";
import { unpackRecord } from "../../../../src/store/postgres/packed-record.ts";
import { decodeRecord } from "../../../../src/store/postgres/record-row.ts";
import { bytes, NOW, recordOf, SUSPECT } from "../../../support/records.ts";

const FULL = recordOf({
  state: "completed",
  suspect: SUSPECT,
  endTime: NOW,
  reason: "resolved",
  endDigest: bytes("digest"),
  outcome: bytes("outcome"),
  checkpoint: bytes("checkpoint"),
  checkpointSequence: 7n,
  checkpointTime: NOW,
  externalRef: "elsewhere",
  progress: bytes("half"),
});

test.each([
  ["an open one", recordOf()],
  ["one with everything", FULL],
  ["one that a reset has unbound", recordOf({ fingerprint: null, state: "available" })],
])("a record arrives at the store as it was sent: %s", (_name, record) => {
  expect(unpackRecord(packRecord(record), record.key)).toEqual(record);
  expect(decodeRecord(toRow(record))).toEqual(record);
});

test("arguments arrive at the database as the store has sent them", () => {
  const calls = [1, 2];
  expect(readArray(textArray(calls, (i) => (i === 1 ? "Zürich" : null)))).toEqual(["Zürich", null]);
  expect(readArray(byteaArray(calls, (i) => Uint8Array.of(i)))).toEqual([Uint8Array.of(1), Uint8Array.of(2)]);
  expect(readArray(int8Array(calls, (i) => -i))).toEqual([-1n, -2n]);
  expect(readArray(boolArray(calls, (i) => i === 2))).toEqual([false, true]);
  expect(readArray(timestamptzArray(calls, (i) => (i === 1 ? NOW + 123 : null)))).toEqual([NOW + 123, null]);
  expect(readInstant(formatInstant(NOW + 123_456))).toBe(NOW + 123_456);
  expect(readInstant(formatInstant(Number.POSITIVE_INFINITY))).toBe(Number.POSITIVE_INFINITY);
});

test("locks are given in the order of asking, and a circle is refused to who closes it", async () => {
  const [a, b, c] = [{ name: "a" }, { name: "b" }, { name: "c" }];
  const locks = createLocks((cycle) => new Error(cycle.map(({ name }) => name).join(" ")));
  const seen: string[] = [];
  await locks.take(a, "x");
  await locks.take(b, "y");
  const second = locks.take(b, "x").then(() => seen.push("b"));
  const third = locks.take(c, "x").then(() => seen.push("c"));
  await expect(locks.take(a, "y")).rejects.toThrow("b a");
  locks.release(a);
  await second;
  expect(seen).toEqual(["b"]);
  locks.release(b);
  await third;
  expect(locks.held()).toEqual(["x by c"]);
});

function openStorage(replicateMs: () => number) {
  const time = createVirtualTime(1);
  const seen: string[] = [];
  const storage = createStorage({
    time,
    observer: {
      changed: ({ record }) => seen.push(`changed: ${record?.attempt ?? "deleted"}`),
      restored: (_key, record) => seen.push(`restored: ${record?.attempt ?? "absent"}`),
    },
    flushMs: () => 1,
    replicateMs,
  });
  const commit = (record: StoredRecord, isLazy = false) => {
    const change = { row: "row", key: record.key, record, cause: { kind: "settle" as const, at: NOW } };
    return storage.commit({ changes: [change], fenceFloor: null, auditSequence: null, isLazy });
  };
  return { time, seen, storage, commit };
}

test("a commit is visible when the standby has it, a lazy one at once", async () => {
  const { time, seen, storage, commit } = openStorage(() => 10);
  void commit(recordOf({ attempt: 1 }));
  await time.run(() => time.nowMs() >= 1);
  expect(storage.read("row")).toBeNull();
  await time.run(() => false);
  expect(storage.read("row")?.attempt).toBe(1);
  void commit(recordOf({ attempt: 2 }), true);
  expect(storage.read("row")?.attempt).toBe(2);
  expect(seen).toEqual(["changed: 1", "changed: 2"]);
});

test("a restart shows what was on the disk, though nobody was told of it, and loses what was lazy", async () => {
  const { time, seen, storage, commit } = openStorage(() => 1_000);
  void commit(recordOf({ attempt: 1 }));
  await time.run(() => time.nowMs() >= 1);
  storage.restart();
  expect(storage.read("row")?.attempt).toBe(1);
  await time.run(() => false);
  void commit(recordOf({ attempt: 2 }), true);
  storage.restart();
  expect(storage.read("row")?.attempt).toBe(1);
  expect(seen).toEqual(["changed: 1", "changed: 2", "restored: 1"]);
});

test("after a promotion there is what the standby has", async () => {
  let lagMs = 1;
  const { time, seen, storage, commit } = openStorage(() => lagMs);
  void commit(recordOf({ attempt: 1 }));
  await time.run(() => false);
  lagMs = 1_000;
  void commit(recordOf({ attempt: 2 }));
  const startedMs = time.nowMs();
  await time.run(() => time.nowMs() >= startedMs + 1);
  storage.restart();
  expect(storage.read("row")?.attempt).toBe(2);
  storage.promote();
  expect(storage.read("row")?.attempt).toBe(1);
  expect(seen).toEqual(["changed: 1", "changed: 2", "restored: 1"]);
});
