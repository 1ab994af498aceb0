import { describe, expect, test } from "vitest";
import type { RecordEvent } from "../../../../../src/domain/history.ts";
import { addMs } from "../../../../../src/domain/instant.ts";
import type { StoredRecord } from "../../../../../src/domain/record.ts";
import { timelineOf } from "../../../../../src/operations/admin/records/events.ts";
import { bytes, HOLDER, NOW, recordOf } from "../../../../support/records.ts";

const CLAIMED = addMs(NOW, -10_000);

const eventOf = (change: Partial<RecordEvent>): RecordEvent => ({
  sequence: 1n,
  kind: "claimed",
  time: CLAIMED,
  attempt: 1,
  fence: 1n,
  evidence: bytes("the first holder's evidence"),
  error: null,
  late: false,
  auditSequence: null,
  ...change,
});

const told = (record: StoredRecord, events: readonly RecordEvent[] = [], notes = new Map()) =>
  timelineOf(record, { events, notes, now: NOW });
const kinds = (...given: Parameters<typeof told>) => told(...given).map(({ kind }) => kind);

const ended = (change: Partial<StoredRecord> = {}) =>
  recordOf({ state: "completed", endTime: NOW, due: addMs(NOW, 1000), outcome: bytes("result"), ...change });

describe("what the record tells by itself", () => {
  test("is its claim, with who made it", () => {
    expect(told(recordOf())).toEqual([
      {
        ...{ kind: "claimed", time: CLAIMED, attempt: 1, fence: HOLDER.fence, evidence: recordOf().evidence },
        ...{ error: null, late: false, auditSequence: null, note: null },
      },
    ]);
  });

  test("is its claim without who made it, when other attempts have followed that nobody kept", () => {
    const [claim, ...others] = told(recordOf({ attempt: 3, attemptStartTime: addMs(NOW, -1000) }));
    expect(claim).toMatchObject({ kind: "claimed", time: CLAIMED, attempt: 1, fence: 0n, evidence: bytes("") });
    expect(others).toEqual([]);
  });

  test.each<[string, StoredRecord, string, Uint8Array | null]>([
    ["a result", ended(), "completed", null],
    ["an error", ended({ state: "failed", reason: "reported", outcome: bytes("error") }), "failed", bytes("error")],
    ["no attempt left", ended({ state: "failed", reason: "max-attempts", outcome: null }), "attempts-used-up", null],
    [
      "an operator's word",
      ended({ state: "failed", reason: "resolved", outcome: bytes("word") }),
      "resolved",
      bytes("word"),
    ],
  ])("is its end by %s", (_, record, kind, error) => {
    const events = told(record);
    expect(events.map((event) => event.kind)).toEqual(["claimed", kind]);
    expect(events[1]).toMatchObject({ time: NOW, error, attempt: 1, fence: HOLDER.fence });
  });

  test("is that the lease is over, from its last instant on", () => {
    expect(kinds(recordOf({ due: addMs(NOW, 1) }))).toEqual(["claimed"]);
    expect(kinds(recordOf({ due: NOW }))).toEqual(["claimed", "lease-expired"]);
    expect(kinds(recordOf({ due: NOW, state: "available" }))).toEqual(["claimed"]);
  });
});

describe("what was kept", () => {
  test("is told once, however much of it the record tells too", () => {
    const end = eventOf({ sequence: 2n, kind: "failed", time: NOW, error: bytes("error") });
    expect(kinds(ended({ state: "failed", reason: "reported" }), [eventOf({}), end])).toEqual(["claimed", "failed"]);
  });

  test("has the claim before it, when that was pushed out", () => {
    const newest = eventOf({ sequence: 33n, kind: "taken-over", time: NOW, attempt: 34 });
    const events = told(recordOf({ attempt: 34, attemptStartTime: NOW }), [newest]);
    expect(events.map(({ kind, attempt, fence }) => [kind, attempt, fence])).toEqual([
      ["claimed", 1, 0n],
      ["taken-over", 34, 1n],
    ]);
  });

  test("of before a reset is no claim of the record as it is, nor is an end before it that of now", () => {
    const [first, over, reset] = [
      eventOf({ time: addMs(CLAIMED, -3000) }),
      eventOf({ sequence: 2n, kind: "completed", time: addMs(CLAIMED, -2000) }),
      eventOf({ sequence: 3n, kind: "reset", time: addMs(CLAIMED, -1000), auditSequence: 7n }),
    ];
    const notes = new Map([[7n, { actor: "api-key:a", reason: "anew" }]]);
    const events = told(ended(), [first, over, reset], notes);
    expect(events.map(({ kind, note }) => [kind, note?.reason])).toEqual([
      ["claimed", undefined],
      ["completed", undefined],
      ["reset", "anew"],
      ["claimed", undefined],
      ["completed", undefined],
    ]);
  });

  test("stays in its order within one instant, and is sorted by time otherwise", () => {
    const events = [
      eventOf({ sequence: 1n, kind: "claimed", time: CLAIMED }),
      eventOf({ sequence: 2n, kind: "failed-retryable", time: NOW }),
      eventOf({ sequence: 3n, kind: "retried", time: NOW }),
      eventOf({ sequence: 4n, kind: "failed-retryable", time: addMs(NOW, -1) }),
    ];
    expect(told(recordOf({ state: "available" }), events).map(({ time }) => time)).toEqual([
      CLAIMED,
      addMs(NOW, -1),
      NOW,
      NOW,
    ]);
    expect(kinds(recordOf({ state: "available" }), events).slice(2)).toEqual(["failed-retryable", "retried"]);
  });

  test("of an operator whose line is not in the audit log is told without who and why", () => {
    const [, released] = told(recordOf(), [
      eventOf({}),
      eventOf({ sequence: 2n, kind: "released", time: NOW, auditSequence: 7n }),
    ]);
    expect(released).toMatchObject({ kind: "released", auditSequence: 7n, note: null });
  });
});
