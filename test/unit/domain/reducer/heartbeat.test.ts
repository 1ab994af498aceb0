import { describe, expect, test } from "vitest";
import type { HeartbeatCall } from "../../../../src/domain/calls.ts";
import { addMs } from "../../../../src/domain/instant.ts";
import type { StoredRecord } from "../../../../src/domain/record.ts";
import { decideHeartbeat, newestCheckpoint } from "../../../../src/domain/reducer/heartbeat.ts";
import { bytes, HOUR, heartbeatOf, LEASE_MS, NOW, POLICY, recordOf, SECOND } from "../../../support/records.ts";
import { stateNamed } from "./states.ts";

/** What is stored after a heartbeat that must have been accepted. */
function extended(stored: StoredRecord | null, change: Partial<HeartbeatCall> = {}): StoredRecord {
  const { answer, next } = decideHeartbeat(stored, heartbeatOf(change), NOW);
  if (answer.kind !== "extended" || next === null) throw new Error("not accepted");
  expect(answer).toEqual({ kind: "extended", due: next.due, hasWaiters: next.hasWaiters, now: NOW });
  return next;
}

test("a bare heartbeat moves the lease's end and nothing else", () => {
  const stored = recordOf({
    checkpoint: bytes("cp"),
    checkpointSequence: 3n,
    progress: bytes("p"),
    externalRef: "ref",
  });
  expect(extended(stored)).toEqual({ ...stored, due: addMs(NOW, LEASE_MS) });
});

test("a heartbeat never shortens the lease", () => {
  const stored = recordOf({ due: addMs(NOW, HOUR) });
  expect(extended(stored).due).toBe(stored.due);
});

test("a late heartbeat revives a lease that lapsed by time only, also under HOLD and on the last attempt", () => {
  for (const name of ["lapsed", "lapsed under HOLD", "lapsed, last attempt", "reconciling, lapsed"]) {
    expect(extended(stateNamed(name)).due, name).toBe(addMs(NOW, LEASE_MS));
  }
});

test("a heartbeat whose answer was lost does no harm when sent again", () => {
  const once = extended(recordOf(), { checkpoint: { sequence: 1n, encoded: bytes("cp") } });
  expect(extended(once, { checkpoint: { sequence: 1n, encoded: bytes("cp") } })).toEqual(once);
});

describe("the longest execution", () => {
  // The attempt of `recordOf` began 10 s ago.
  const limited = (seconds: number, due = addMs(NOW, SECOND)) =>
    recordOf({ due, policy: { ...POLICY, maxExecutionMs: seconds * SECOND } });

  test("cuts the extension", () => {
    expect(extended(limited(15)).due).toBe(addMs(NOW, 5 * SECOND));
  });

  test("never shortens what was granted before", () => {
    expect(extended(limited(5)).due).toBe(addMs(NOW, SECOND));
  });

  test("once over, a lapsed lease is not revived, and the holder sees by its end that it is not", () => {
    expect(extended(limited(10, NOW - 1)).due).toBe(NOW);
  });
});

describe("a checkpoint", () => {
  const stored = recordOf({ checkpoint: bytes("five"), checkpointSequence: 5n, checkpointTime: addMs(NOW, -1) });

  test.each([
    [6n, "new", 6n],
    [2n ** 63n - 1n, "new", 2n ** 63n - 1n],
    [5n, "five", 5n],
    [4n, "five", 5n],
  ] as const)("of sequence %s after 5 leaves %s", (sequence, checkpoint, left) => {
    const next = extended(stored, { checkpoint: { sequence, encoded: bytes("new") } });
    expect([next.checkpoint, next.checkpointSequence]).toEqual([bytes(checkpoint), left]);
    expect(next.checkpointTime).toBe(checkpoint === "new" ? NOW : stored.checkpointTime);
  });

  test.each([null, { sequence: 5n, encoded: bytes("new") }])(
    "that is no news leaves all three as they are: %o",
    (sent) => {
      const { checkpoint, checkpointSequence, checkpointTime } = stored;
      const left = { checkpoint, checkpointSequence, checkpointTime };
      expect(newestCheckpoint(stored, { checkpoint: sent }, NOW)).toEqual(left);
    },
  );

  test("of sequence 1 is the first", () => {
    const next = extended(recordOf(), { checkpoint: { sequence: 1n, encoded: new Uint8Array() } });
    expect([next.checkpoint, next.checkpointSequence]).toEqual([new Uint8Array(), 1n]);
  });
});

test("progress and external reference are replaced when sent and kept when not", () => {
  const stored = recordOf({ progress: bytes("half"), externalRef: "old" });
  expect(extended(stored, { progress: bytes("most") })).toMatchObject({ progress: bytes("most"), externalRef: "old" });
  expect(extended(stored, { externalRef: "new" })).toMatchObject({ progress: bytes("half"), externalRef: "new" });
});
