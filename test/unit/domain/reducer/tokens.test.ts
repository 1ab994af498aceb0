import { describe, expect, test } from "vitest";
import type { EndKind, FinishAnswer, FinishCall, HeartbeatAnswer } from "../../../../src/domain/calls.ts";
import type { Proof, StoredRecord } from "../../../../src/domain/record.ts";
import { decideFinish } from "../../../../src/domain/reducer/finish.ts";
import { decideHeartbeat } from "../../../../src/domain/reducer/heartbeat.ts";
import { bytes, finishOf, HOLDER, heartbeatOf, NOW, recordOf, SUSPECT, tokenOf } from "../../../support/records.ts";
import { cellsOf } from "../../../support/table.ts";
import { STATES, stateNamed } from "./states.ts";

function wordsOf(answer: FinishAnswer | HeartbeatAnswer): string {
  if (answer.kind === "fault") return answer.code;
  if (answer.kind === "extended") return answer.kind;
  if (answer.alreadyApplied) return "already applied";
  return answer.late ? `${answer.state}, late` : answer.state;
}

/** "heartbeat", or the kind of an end. */
function callWith(proof: Proof, column: string, stored: StoredRecord | null): string {
  if (column === "heartbeat") {
    const { answer, next } = decideHeartbeat(stored, heartbeatOf({ proof }), NOW);
    expect(next === null).toBe(answer.kind === "fault");
    return wordsOf(answer);
  }
  const { answer, next } = decideFinish(stored, finishOf({ proof, kind: column as EndKind }), NOW);
  expect(next === null).toBe(answer.kind === "fault" || answer.alreadyApplied);
  return wordsOf(answer);
}

describe("token and fence are the record's", () => {
  const table = `
    record                             | heartbeat        | complete         | terminal         | retryable             | not-started           | outcome-unknown
    absent                             | RECORD_NOT_FOUND | RECORD_NOT_FOUND | RECORD_NOT_FOUND | RECORD_NOT_FOUND      | RECORD_NOT_FOUND      | RECORD_NOT_FOUND
    forgotten                          | RECORD_NOT_FOUND | RECORD_NOT_FOUND | RECORD_NOT_FOUND | RECORD_NOT_FOUND      | RECORD_NOT_FOUND      | RECORD_NOT_FOUND
    live                               | extended         | completed        | failed           | available             | available             | outcome-unknown
    lapsed                             | extended         | completed, late  | failed, late     | available, late       | available, late       | outcome-unknown, late
    lapsed, last attempt               | extended         | completed, late  | failed, late     | failed, late          | available, late       | outcome-unknown, late
    lapsed under HOLD                  | extended         | completed, late  | failed, late     | available, late       | available, late       | outcome-unknown, late
    lapsed under HOLD, last attempt    | extended         | completed, late  | failed, late     | failed, late          | available, late       | outcome-unknown, late
    reconciling                        | extended         | completed        | failed           | available             | available             | outcome-unknown
    reconciling, lapsed                | extended         | completed, late  | failed, late     | available, late       | available, late       | outcome-unknown, late
    reconciling, lapsed, not HOLD      | extended         | completed, late  | failed, late     | available, late       | available, late       | outcome-unknown, late
    available                          | INVALID_STATE    | INVALID_STATE    | INVALID_STATE    | INVALID_STATE         | INVALID_STATE         | INVALID_STATE
    available, due later               | INVALID_STATE    | INVALID_STATE    | INVALID_STATE    | INVALID_STATE         | INVALID_STATE         | INVALID_STATE
    available, last attempt            | INVALID_STATE    | INVALID_STATE    | INVALID_STATE    | INVALID_STATE         | INVALID_STATE         | INVALID_STATE
    available, unbound                 | INVALID_STATE    | INVALID_STATE    | INVALID_STATE    | INVALID_STATE         | INVALID_STATE         | INVALID_STATE
    completed                          | INVALID_STATE    | already applied  | RESULT_CONFLICT  | RESULT_CONFLICT       | RESULT_CONFLICT       | RESULT_CONFLICT
    failed                             | INVALID_STATE    | RESULT_CONFLICT  | already applied  | RESULT_CONFLICT       | RESULT_CONFLICT       | RESULT_CONFLICT
    failed, last attempt               | INVALID_STATE    | RESULT_CONFLICT  | already applied  | RESULT_CONFLICT       | RESULT_CONFLICT       | RESULT_CONFLICT
    completed, expired                 | INVALID_STATE    | already applied  | RESULT_CONFLICT  | RESULT_CONFLICT       | RESULT_CONFLICT       | RESULT_CONFLICT
    failed, expired                    | INVALID_STATE    | RESULT_CONFLICT  | already applied  | RESULT_CONFLICT       | RESULT_CONFLICT       | RESULT_CONFLICT
    completed by the suspect           | LEASE_SUPERSEDED | already applied  | LEASE_SUPERSEDED | LEASE_SUPERSEDED      | LEASE_SUPERSEDED      | LEASE_SUPERSEDED
    outcome unknown                    | INVALID_STATE    | completed, late  | failed, late     | available, late       | available, late       | outcome-unknown, late
    outcome unknown, a suspect cut off | INVALID_STATE    | completed, late  | failed, late     | available, late       | available, late       | outcome-unknown, late`;

  test.each(cellsOf(table))("$row, $column: $expected", ({ row, column, expected }) => {
    expect(callWith(HOLDER, column, stateNamed(row))).toBe(expected);
  });

  test("every state has its row", () => {
    expect(new Set(cellsOf(table).map(({ row }) => row))).toEqual(new Set(Object.keys(STATES)));
  });
});

describe("token and fence are the suspect's", () => {
  const table = `
    record                             | heartbeat        | complete         | terminal         | retryable        | not-started      | outcome-unknown
    reconciling                        | LEASE_SUPERSEDED | completed, late  | failed, late     | LEASE_SUPERSEDED | LEASE_SUPERSEDED | LEASE_SUPERSEDED
    reconciling, lapsed                | LEASE_SUPERSEDED | completed, late  | failed, late     | LEASE_SUPERSEDED | LEASE_SUPERSEDED | LEASE_SUPERSEDED
    reconciling, lapsed, not HOLD      | LEASE_SUPERSEDED | completed, late  | failed, late     | LEASE_SUPERSEDED | LEASE_SUPERSEDED | LEASE_SUPERSEDED
    outcome unknown, a suspect cut off | LEASE_SUPERSEDED | completed, late  | failed, late     | LEASE_SUPERSEDED | LEASE_SUPERSEDED | LEASE_SUPERSEDED
    completed by the suspect           | LEASE_SUPERSEDED | already applied  | RESULT_CONFLICT  | LEASE_SUPERSEDED | LEASE_SUPERSEDED | LEASE_SUPERSEDED`;

  test.each(cellsOf(table))("$row, $column: $expected", ({ row, column, expected }) => {
    expect(callWith(SUSPECT, column, stateNamed(row))).toBe(expected);
  });

  test("the table names every state that has a suspect", () => {
    const withSuspect = Object.keys(STATES).filter((name) => (stateNamed(name)?.suspect ?? null) !== null);
    expect(new Set(cellsOf(table).map(({ row }) => row))).toEqual(new Set(withSuspect));
  });

  test("the suspect's fence with another token is superseded like any older fence", () => {
    const forged = { ...SUSPECT, token: tokenOf("forged") };
    expect(callWith(forged, "complete", stateNamed("reconciling"))).toBe("LEASE_SUPERSEDED");
  });
});

describe("any other token or fence, in every state", () => {
  const columns = ["heartbeat", "complete", "terminal", "retryable", "not-started", "outcome-unknown"];
  const found = Object.keys(STATES).filter((name) => name !== "absent" && name !== "forgotten");
  const stranger = tokenOf("never handed out");

  test.each([
    ["a lower fence", { token: stranger, fence: HOLDER.fence - 1n }, "LEASE_SUPERSEDED"],
    ["a lower fence with the record's token", { token: HOLDER.token, fence: HOLDER.fence - 1n }, "LEASE_SUPERSEDED"],
    ["the record's fence with another token", { token: stranger, fence: HOLDER.fence }, "LEASE_TOKEN_INVALID"],
    ["a higher fence", { token: stranger, fence: HOLDER.fence + 1n }, "LEASE_TOKEN_INVALID"],
    ["a higher fence with the record's token", { token: HOLDER.token, fence: 2n ** 63n - 1n }, "LEASE_TOKEN_INVALID"],
    [
      "a token that is only a prefix",
      { token: HOLDER.token.subarray(0, 15), fence: HOLDER.fence },
      "LEASE_TOKEN_INVALID",
    ],
  ] as const)("%s: %s", (_, proof, expected) => {
    for (const name of found) {
      for (const column of columns) {
        expect(callWith(proof, column, stateNamed(name)), `${name}, ${column}`).toBe(expected);
      }
    }
  });
});

describe("an end that was accepted, repeated", () => {
  const kinds: readonly EndKind[] = ["complete", "terminal", "retryable", "not-started"];
  const endOf = (call: FinishCall, stored = recordOf()) => {
    const { next } = decideFinish(stored, call, NOW);
    if (next === null) throw new Error("the end was not accepted");
    return next;
  };

  test.each(kinds)("%s: the same call is already applied, whenever it comes, and writes nothing", (kind) => {
    const call = finishOf({ kind, delayMs: 7 });
    const ended = endOf(call);
    for (const later of [NOW, ended.due - 1, ended.due, ended.due + 1]) {
      expect(decideFinish(ended, call, later)).toEqual({
        answer: {
          kind: "ended",
          state: ended.state,
          due: ended.due,
          alreadyApplied: true,
          late: false,
          hasWaiters: false,
          now: later,
        },
        next: null,
      });
    }
  });

  test.each([
    ["complete", "RESULT_CONFLICT"],
    ["terminal", "RESULT_CONFLICT"],
    ["retryable", "INVALID_STATE"],
    ["not-started", "INVALID_STATE"],
  ] as const)("%s: with other content it is %s", (kind, expected) => {
    const ended = endOf(finishOf({ kind }));
    for (const other of [finishOf({ kind, outcome: bytes("other") }), finishOf({ kind, outcome: null })]) {
      expect(decideFinish(ended, other, NOW)).toEqual({
        answer: { kind: "fault", code: expected, now: NOW },
        next: null,
      });
    }
  });

  test("a fail that used up the last attempt is already applied as the failure that it became", () => {
    const call = finishOf({ kind: "retryable" });
    const ended = endOf(call, recordOf({ policy: { ...recordOf().policy, maxAttempts: 1 } }));
    expect(decideFinish(ended, call, NOW).answer).toMatchObject({ state: "failed", alreadyApplied: true });
  });

  test("an unknown outcome reported twice is unknown since the second time", () => {
    const call = finishOf({ kind: "outcome-unknown" });
    const later = NOW + 5;
    expect(decideFinish(endOf(call), call, later).answer).toMatchObject({
      state: "outcome-unknown",
      due: later,
      alreadyApplied: false,
      late: true,
    });
  });
});
