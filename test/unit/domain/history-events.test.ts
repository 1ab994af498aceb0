import { describe, expect, test } from "vitest";
import { type EventDraft, eventsOf } from "../../../src/domain/history.ts";
import { addMs } from "../../../src/domain/instant.ts";
import type { StoredRecord } from "../../../src/domain/record.ts";
import { bytes, finishOf, HOLDER, NOW, recordOf, SECOND, tokenOf } from "../../support/records.ts";
import { stateNamed } from "./reducer/states.ts";

const RECONCILER = bytes("the reconciler's evidence");
const ERROR = bytes("an error");
const raised = { token: tokenOf("another"), fence: HOLDER.fence + 1n };

const named = (name: string): StoredRecord => {
  const record = stateNamed(name);
  if (record === null) throw new Error("bug: no record");
  return record;
};

function change(before: StoredRecord, after: StoredRecord): EventDraft | undefined {
  const events = eventsOf({ before, after, hasHistory: true, reconciler: RECONCILER, now: NOW });
  expect(events.length).toBeLessThan(2);
  return events[0];
}

describe("whether an unknown outcome was reported once more", () => {
  const unknown = (endDigest: Uint8Array | null, more: Partial<StoredRecord> = {}) => ({
    ...named("outcome unknown"),
    ...{ endDigest, ...more },
  });

  test.each([
    ["with other words", bytes("some"), bytes("other")],
    ["for the first time", null, bytes("some")],
    ["by a call of which nothing is kept", bytes("some"), null],
  ])("%s: an event", (_, before, after) => {
    expect(change(unknown(before), unknown(after))).toMatchObject({ kind: "outcome-unknown", attempt: 1 });
  });

  test.each([
    ["with the same words", bytes("some"), bytes("some")],
    ["but only flagged", null, null],
  ])("%s: none", (_, before, after) => {
    expect(change(unknown(before), unknown(after, { hasWaiters: true }))).toBeUndefined();
  });

  test("the digest of any other end is no event", () => {
    for (const name of ["completed", "failed", "available", "live"]) {
      const other = { ...named(name), endDigest: bytes("another") };
      expect(change(named(name), other), name).toBeUndefined();
    }
  });
});

describe("the end of an attempt", () => {
  const reported = (name: string, more: Partial<StoredRecord> = {}): StoredRecord => ({
    ...named(name),
    ...{ endDigest: finishOf().digest, outcome: ERROR, ...more },
  });

  test("that nobody but its holder ended has the holder's evidence", () => {
    expect(change(recordOf(), reported("failed"))?.evidence).toEqual(recordOf().evidence);
  });

  test.each(["failed", "available", "outcome unknown"])("%s: holds the error that was reported", (name) => {
    expect(change(recordOf(), reported(name))?.error).toEqual(ERROR);
  });

  test.each([
    [1, "failed-retryable"],
    [0, "not-started"],
  ])("that leaves %d attempts used is %s", (attempt, kind) => {
    expect(change(recordOf(), { ...named("available"), attempt })?.kind).toBe(kind);
  });

  test("a result is not an error", () => {
    expect(change(named("lapsed"), reported("completed"))?.error).toBeNull();
  });

  test("attempts that were found used up reported nothing, and are never late", () => {
    const usedUp = {
      ...named("failed, last attempt"),
      reason: "max-attempts",
      endDigest: null,
      outcome: ERROR,
    } as const;
    const event = change(named("lapsed, last attempt"), usedUp);
    expect(event).toMatchObject({ kind: "attempts-used-up", error: null, late: false });
  });

  test("after it had been given up on is late, also by a clock that has stepped back since", () => {
    const givenUp = { ...named("outcome unknown"), due: addMs(NOW, SECOND) };
    expect(change(givenUp, reported("failed"))?.late).toBe(true);
    expect(change(recordOf({ due: addMs(NOW, SECOND) }), reported("failed"))?.late).toBe(false);
  });

  test("at the very end of its lease is late", () => {
    expect(change(recordOf({ due: NOW }), reported("failed"))?.late).toBe(true);
  });
});

test("an end that leaves its attempt in progress is a bug", () => {
  expect(() => change(named("available"), recordOf())).toThrow("bug: an attempt's end left it in progress");
});

test.each([
  ["taken-over", "lapsed", recordOf({ attempt: 2, lease: raised })],
  ["reconciling", "outcome unknown", { ...named("reconciling"), lease: raised }],
  ["resolved", "lapsed under HOLD", { ...named("completed"), lease: raised }],
  ["reset", "failed", { ...named("available, unbound"), lease: raised }],
])("only an end is late, and nothing that is %s", (kind, before, after) => {
  expect(change(named(before), after)).toMatchObject({ kind, late: false });
});

describe("an operator's change", () => {
  const available = { ...named("available"), endDigest: null, outcome: ERROR, lease: raised };
  const hold = { policy: named("lapsed under HOLD").policy };

  test.each([
    ["a lease that was taken away", recordOf(), available],
    ["a lease that was taken away under HOLD", recordOf(hold), { ...named("outcome unknown"), lease: raised }],
    ["a reconciler's lease that was taken away", named("reconciling"), { ...named("outcome unknown"), lease: raised }],
  ])("is a release: %s", (_, before, after) => {
    expect(change(before, after)).toMatchObject({ kind: "released", error: null });
  });

  test.each([
    ["of a lapse under HOLD", named("lapsed under HOLD")],
    ["of an unknown outcome that was reported", named("outcome unknown")],
    ["of a reconciler's lapse, whatever the policy", named("reconciling, lapsed, not HOLD")],
  ])("is a verdict, that it was not done: %s", (_, before) => {
    expect(change(before, available)).toMatchObject({ kind: "resolved", error: null });
  });

  test("is a verdict, that it failed, and then holds the error", () => {
    const failed = { ...named("failed"), outcome: ERROR, lease: raised };
    expect(change(named("lapsed under HOLD"), failed)).toMatchObject({ kind: "resolved", error: ERROR });
    const completed = { ...named("completed"), lease: raised };
    expect(change(named("lapsed under HOLD"), completed)).toMatchObject({ kind: "resolved", error: null });
  });

  test("has the evidence of the attempt that it happened to", () => {
    expect(change(recordOf(), available)?.evidence).toEqual(recordOf().evidence);
    expect(change(named("lapsed under HOLD"), available)?.evidence).toEqual(recordOf().evidence);
    expect(change(named("reconciling, lapsed, not HOLD"), available)?.evidence).toEqual(recordOf().evidence);
  });
});

test("what an ended record told by itself holds the error of a failure, and of a result none", () => {
  const told = (name: string) => {
    const before = { ...named(name), outcome: ERROR };
    const after = { ...named("available, unbound"), lease: raised };
    return eventsOf({ before, after, hasHistory: false, reconciler: RECONCILER, now: NOW });
  };
  expect(told("failed")).toMatchObject([
    { kind: "claimed", error: null, late: false },
    { kind: "failed", error: ERROR, late: false },
    { kind: "reset", error: null, late: false },
  ]);
  expect(told("completed").map(({ error }) => error)).toEqual([null, null, null]);
});
