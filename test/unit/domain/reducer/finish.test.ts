import { describe, expect, test } from "vitest";
import type { FinishAnswer, FinishCall } from "../../../../src/domain/calls.ts";
import { addMs } from "../../../../src/domain/instant.ts";
import type { StoredRecord } from "../../../../src/domain/record.ts";
import { decideFinish } from "../../../../src/domain/reducer/finish.ts";
import { bytes, DAY, finishOf, HOUR, NOW, POLICY, recordOf, SECOND, SUSPECT } from "../../../support/records.ts";
import { stateNamed } from "./states.ts";

function finish(stored: StoredRecord | null, change: Partial<FinishCall>): FinishAnswer {
  return decideFinish(stored, finishOf(change), NOW).answer;
}

/** What is stored after an end that must have been accepted. */
function ended(stored: StoredRecord | null, change: Partial<FinishCall>): StoredRecord {
  const { answer, next } = decideFinish(stored, finishOf(change), NOW);
  if (answer.kind !== "ended" || next === null) throw new Error(`not accepted: ${JSON.stringify(answer)}`);
  expect([answer.state, answer.due]).toEqual([next.state, next.due]);
  return next;
}

const before = recordOf({
  attempt: 2,
  outcome: bytes("error of attempt 1"),
  progress: bytes("half"),
  externalRef: "ref",
});
const open = { forgetAt: Number.POSITIVE_INFINITY, endTime: null };

describe("each kind of end, stored", () => {
  test("COMPLETE keeps the result for its retention and then the tombstone for its own", () => {
    const call = finishOf({ kind: "complete" });
    expect(ended(before, call)).toEqual({
      ...before,
      state: "completed",
      due: addMs(NOW, DAY),
      forgetAt: addMs(NOW, 2 * DAY),
      endTime: NOW,
      endDigest: call.digest,
      outcome: call.outcome,
    });
  });

  test("TERMINAL is failed as reported, with the same retentions", () => {
    const call = finishOf({ kind: "terminal", delayMs: 5 * SECOND });
    expect(ended(before, call)).toEqual({
      ...before,
      state: "failed",
      reason: "reported",
      due: addMs(NOW, DAY),
      forgetAt: addMs(NOW, 2 * DAY),
      endTime: NOW,
      endDigest: call.digest,
      outcome: call.outcome,
    });
  });

  test("RETRYABLE counts the attempt and can be claimed after its delay", () => {
    const call = finishOf({ kind: "retryable", delayMs: 5 * SECOND });
    expect(ended(before, call)).toEqual({
      ...before,
      ...open,
      state: "available",
      due: addMs(NOW, 5 * SECOND),
      endDigest: call.digest,
      outcome: call.outcome,
    });
  });

  test("NOT_STARTED does not count the attempt and can be claimed after its delay, without one at once", () => {
    for (const delayMs of [0, 5 * SECOND]) {
      const call = finishOf({ kind: "not-started", delayMs });
      expect(ended(before, call)).toEqual({
        ...before,
        ...open,
        state: "available",
        due: addMs(NOW, delayMs),
        attempt: 1,
        endDigest: call.digest,
        outcome: call.outcome,
      });
    }
  });

  test("OUTCOME_UNKNOWN is unknown since now, as reported, and no delay makes it claimable", () => {
    const call = finishOf({ kind: "outcome-unknown", delayMs: 5 * SECOND });
    expect(ended(before, call)).toEqual({
      ...before,
      ...open,
      state: "outcome-unknown",
      due: NOW,
      reason: "reported",
      endDigest: call.digest,
      outcome: call.outcome,
    });
  });

  test("a fail that reports no error leaves none behind", () => {
    expect(ended(before, { kind: "retryable", outcome: null }).outcome).toBeNull();
  });

  test("an empty result is a result", () => {
    expect(ended(before, { outcome: new Uint8Array() }).outcome).toEqual(new Uint8Array());
  });

  test("a tombstone retention of 0 ends with the result", () => {
    const next = ended(recordOf({ policy: { ...POLICY, tombstoneRetentionMs: 0 } }), {});
    expect(next.forgetAt).toBe(next.due);
  });

  test("whoever waits is told of, and stays flagged", () => {
    const waited = recordOf({ hasWaiters: true });
    expect(finish(waited, {})).toMatchObject({ hasWaiters: true });
    expect(finish(before, {})).toMatchObject({ hasWaiters: false });
    expect(ended(waited, {}).hasWaiters).toBe(true);
  });
});

describe("the last attempt", () => {
  const policy = { ...POLICY, maxAttempts: 2 };

  test("failed as retryable is FAILED(MAX_ATTEMPTS) with the error that it reported", () => {
    const call = finishOf({ kind: "retryable", delayMs: SECOND });
    expect(ended(recordOf({ attempt: 2, policy }), call)).toMatchObject({
      state: "failed",
      reason: "max-attempts",
      due: addMs(NOW, DAY),
      forgetAt: addMs(NOW, 2 * DAY),
      endTime: NOW,
      outcome: call.outcome,
    });
  });

  test("but one is not the last, and a limit of 0 is none", () => {
    expect(ended(recordOf({ attempt: 1, policy }), { kind: "retryable" }).state).toBe("available");
    expect(ended(recordOf({ attempt: 1_000 }), { kind: "retryable" }).state).toBe("available");
  });

  test("that was not started gives its attempt back", () => {
    expect(ended(recordOf({ attempt: 2, policy }), { kind: "not-started" })).toMatchObject({
      state: "available",
      attempt: 1,
    });
  });

  test("may complete late as long as nobody has settled it", () => {
    expect(finish(stateNamed("lapsed, last attempt"), {})).toMatchObject({ state: "completed", late: true });
  });
});

test("late begins exactly at the lease's end", () => {
  expect(finish(recordOf({ due: NOW + 1 }), {})).toMatchObject({ late: false });
  expect(finish(recordOf({ due: NOW }), {})).toMatchObject({ late: true });
});

describe("a delay", () => {
  const policy = { ...POLICY, resultRetentionMs: HOUR };

  test.each(["retryable", "not-started"] as const)("of %s reaches up to the result retention", (kind) => {
    expect(ended(recordOf({ policy }), { kind, delayMs: HOUR }).due).toBe(addMs(NOW, HOUR));
    expect(finish(recordOf({ policy }), { kind, delayMs: HOUR + 1 })).toMatchObject({ code: "DURATION_OUT_OF_RANGE" });
  });

  test("too long is told only to the holder", () => {
    const call = { kind: "retryable", delayMs: HOUR + 1, proof: SUSPECT } as const;
    expect(finish(recordOf({ policy }), call)).toMatchObject({ code: "LEASE_SUPERSEDED" });
  });
});

describe("a give-back, guarded by the lease's end", () => {
  const giveBack = { kind: "not-started", outcome: null } as const;

  test("hits while the lease ends at that very instant, live or lapsed", () => {
    for (const stored of [recordOf(), recordOf({ due: NOW - 1 })]) {
      expect(ended(stored, { ...giveBack, onlyIfDue: stored.due }).state).toBe("available");
    }
  });

  test("misses by a microsecond", () => {
    expect(finish(before, { ...giveBack, onlyIfDue: before.due - 1 })).toMatchObject({ code: "INVALID_STATE" });
  });

  test("misses an outcome that is unknown since that instant", () => {
    const unknown = recordOf({ ...stateNamed("outcome unknown") });
    expect(finish(unknown, { ...giveBack, onlyIfDue: unknown.due })).toMatchObject({ code: "INVALID_STATE" });
  });
});

describe("a checkpoint that comes with an end", () => {
  const stored = recordOf({ checkpoint: bytes("old"), checkpointSequence: 5n, checkpointTime: addMs(NOW, -1) });
  const kinds = ["complete", "terminal", "retryable", "not-started", "outcome-unknown"] as const;

  test.each(kinds)("%s: is kept if its sequence is higher", (kind) => {
    const next = ended(stored, { kind, checkpoint: { sequence: 6n, encoded: bytes("new") } });
    expect([next.checkpoint, next.checkpointSequence]).toEqual([bytes("new"), 6n]);
    expect(next.checkpointTime).toBe(NOW);
  });

  test.each(kinds)("%s: is dropped if its sequence is not higher", (kind) => {
    const next = ended(stored, { kind, checkpoint: { sequence: 5n, encoded: bytes("new") } });
    expect([next.checkpoint, next.checkpointSequence]).toEqual([bytes("old"), 5n]);
    expect(next.checkpointTime).toBe(stored.checkpointTime);
  });
});

describe("where no delay is looked at", () => {
  const delayMs = before.policy.resultRetentionMs + 1;

  test.each(["complete", "terminal", "outcome-unknown"] as const)("%s may name any", (kind) => {
    expect(decideFinish(before, finishOf({ kind, delayMs }), NOW).answer).toMatchObject({ kind: "ended" });
  });
});

test("the end of what is unknown is late, also where the clock has stepped back behind the unknowing", () => {
  const unknown = recordOf({ state: "outcome-unknown", due: addMs(NOW, SECOND), reason: "reported" });
  expect(decideFinish(unknown, finishOf(), NOW).answer).toMatchObject({ kind: "ended", late: true });
});
