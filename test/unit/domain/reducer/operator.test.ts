import { describe, expect, test } from "vitest";
import { addMs } from "../../../../src/domain/instant.ts";
import type { StoredRecord } from "../../../../src/domain/record.ts";
import { decideClaim } from "../../../../src/domain/reducer/claim.ts";
import { decideFinish } from "../../../../src/domain/reducer/finish.ts";
import { decideHeartbeat } from "../../../../src/domain/reducer/heartbeat.ts";
import {
  decideRelease,
  decideReset,
  decideResolve,
  type OperatorDecision,
  type Verdict,
} from "../../../../src/domain/reducer/operator.ts";
import {
  bytes,
  claimOf,
  DAY,
  fingerprintOf,
  finishOf,
  HOLDER,
  HOUR,
  heartbeatOf,
  NOW,
  POLICY,
  recordOf,
  SUSPECT,
  tokenOf,
} from "../../../support/records.ts";
import { rowsOf } from "../../../support/table.ts";
import { STATES, stateNamed } from "./states.ts";

const TOKEN = tokenOf("nobody's");
const raised = { token: TOKEN, fence: BigInt(NOW) };

const RESULT = bytes("what the operator found");
const COMPLETED: Verdict = { kind: "completed", outcome: RESULT };

/** What an operator asks for who has read the record. */
const guardOf = (stored: StoredRecord | null, force = false) => ({ fence: stored?.lease.fence ?? 1n, force });
const releaseOf = (stored: StoredRecord | null) => decideRelease(stored, guardOf(stored), TOKEN, NOW);
const resetOf = (stored: StoredRecord | null, force: boolean) =>
  decideReset(stored, guardOf(stored, force), TOKEN, NOW);
const resolveOf = (stored: StoredRecord | null, force: boolean, verdict: Verdict = COMPLETED) =>
  decideResolve(stored, { ...guardOf(stored, force), verdict }, TOKEN, NOW);

/** The state afterwards, or why it was refused. */
const told = ({ refusal, next }: OperatorDecision) => refusal ?? next?.state;

describe("which records an operator can act on", () => {
  const table = `
    record                             | release         | resolve   | forced resolve | reset     | forced reset
    absent                             | absent          | absent    | absent         | absent    | absent
    forgotten                          | absent          | absent    | absent         | absent    | absent
    live                               | available       | state     | state          | held      | available
    lapsed                             | available       | state     | state          | available | available
    lapsed, last attempt               | available       | state     | state          | available | available
    lapsed under HOLD                  | state           | completed | completed      | available | available
    lapsed under HOLD, last attempt    | state           | completed | completed      | available | available
    reconciling                        | outcome-unknown | held      | completed      | held      | available
    reconciling, lapsed                | state           | completed | completed      | available | available
    reconciling, lapsed, not HOLD      | state           | completed | completed      | available | available
    available                          | state           | state     | state          | available | available
    available, due later               | state           | state     | state          | available | available
    available, last attempt            | state           | state     | state          | available | available
    available, unbound                 | state           | state     | state          | available | available
    completed                          | state           | state     | state          | available | available
    failed                             | state           | state     | state          | available | available
    failed, last attempt               | state           | state     | state          | available | available
    completed, expired                 | state           | state     | state          | available | available
    failed, expired                    | state           | state     | state          | available | available
    completed by the suspect           | state           | state     | state          | available | available
    outcome unknown                    | state           | completed | completed      | available | available
    outcome unknown, a suspect cut off | state           | completed | completed      | available | available`;

  test.each(rowsOf(table))("$record", (row) => {
    const stored = stateNamed(row["record"] ?? "");
    expect(told(releaseOf(stored))).toBe(row["release"]);
    expect(told(resolveOf(stored, false))).toBe(row["resolve"]);
    expect(told(resolveOf(stored, true))).toBe(row["forced resolve"]);
    expect(told(resetOf(stored, false))).toBe(row["reset"]);
    expect(told(resetOf(stored, true))).toBe(row["forced reset"]);
  });

  test("every state has its row", () => {
    expect(new Set(rowsOf(table).map((row) => row["record"]))).toEqual(new Set(Object.keys(STATES)));
  });

  test.each(Object.keys(STATES))("a record that is not as the operator read it is left alone (%s)", (name) => {
    const stored = stateNamed(name);
    const expected = stored === null || name === "forgotten" ? "absent" : "changed";
    for (const off of [-1n, 1n]) {
      const guard = { fence: (stored?.lease.fence ?? 2n) + off, force: true };
      const decisions = [
        decideRelease(stored, guard, TOKEN, NOW),
        decideResolve(stored, { ...guard, verdict: COMPLETED }, TOKEN, NOW),
        decideReset(stored, guard, TOKEN, NOW),
      ];
      expect(decisions).toEqual(decisions.map(() => ({ refusal: expected, next: null })));
    }
  });
});

describe("a release", () => {
  test("under REACQUIRE makes the record claimable at once", () => {
    const stored = recordOf({ hasWaiters: true, checkpoint: bytes("cp"), checkpointSequence: 1n, attempt: 2 });
    expect(releaseOf(stored).next).toEqual({ ...stored, state: "available", due: NOW, lease: raised });
  });

  test("under HOLD makes the outcome unknown and the holder the suspect", () => {
    const stored = recordOf({ policy: { ...POLICY, hold: true } });
    expect(releaseOf(stored).next).toEqual({
      ...stored,
      state: "outcome-unknown",
      due: NOW,
      lease: raised,
      suspect: HOLDER,
      reason: "lease-expired",
    });
  });

  test.each([true, false])("of a reconciler (HOLD: %s) keeps its suspect", (hold) => {
    const reconciling = recordOf({ ...stateNamed("reconciling"), policy: { ...POLICY, hold } });
    expect(releaseOf(reconciling).next).toMatchObject({
      state: "outcome-unknown",
      suspect: SUSPECT,
      lease: raised,
      reason: "lease-expired",
    });
  });

  test("is refused from the very end of a lease on whose lapse makes the outcome unknown, and of no other", () => {
    const hold = { policy: { ...POLICY, hold: true } };
    const reconciler = { suspect: SUSPECT };
    for (const change of [hold, reconciler]) {
      expect(told(releaseOf(recordOf({ ...change, due: NOW + 1 })))).toBe("outcome-unknown");
      expect(told(releaseOf(recordOf({ ...change, due: NOW })))).toBe("state");
    }
    expect(told(releaseOf(recordOf({ due: NOW })))).toBe("available");
  });

  test("reads as superseded to the holder, whose end still counts under HOLD only", () => {
    const reacquire = releaseOf(recordOf()).next;
    const hold = releaseOf(recordOf({ policy: { ...POLICY, hold: true } })).next;
    for (const stored of [reacquire, hold]) {
      expect(decideHeartbeat(stored, heartbeatOf(), NOW).answer).toMatchObject({ code: "LEASE_SUPERSEDED" });
      expect(decideFinish(stored, finishOf({ kind: "retryable" }), NOW).answer).toMatchObject({
        code: "LEASE_SUPERSEDED",
      });
    }
    expect(decideFinish(reacquire, finishOf(), NOW).answer).toMatchObject({ code: "LEASE_SUPERSEDED" });
    expect(decideFinish(hold, finishOf(), NOW).answer).toMatchObject({ state: "completed", late: true });
  });

  test("raises the fence when the clock has stepped back", () => {
    const ahead = recordOf({ lease: { ...HOLDER, fence: BigInt(addMs(NOW, HOUR)) } });
    expect(releaseOf(ahead).next?.lease.fence).toBe(BigInt(addMs(NOW, HOUR)) + 1n);
  });

  test("of the last attempt leaves nothing to claim: the next claim stores FAILED(MAX_ATTEMPTS)", () => {
    const released = releaseOf(stateNamed("lapsed, last attempt")).next;
    expect(decideClaim(released, claimOf(), NOW, 0n).next).toMatchObject({ state: "failed", reason: "max-attempts" });
  });
});

describe("a resolution", () => {
  const unknown = recordOf({
    ...stateNamed("outcome unknown, a suspect cut off"),
    hasWaiters: true,
    attempt: 3,
    outcome: bytes("timed out"),
    endDigest: bytes("how it ended"),
    checkpoint: bytes("cp"),
    checkpointSequence: 1n,
    checkpointTime: NOW,
  });
  const ended = { due: addMs(NOW, DAY), forgetAt: addMs(NOW, 2 * DAY), endTime: NOW };
  const settled = { ...unknown, lease: raised, suspect: null, endDigest: null };

  test("completes it with the result that the operator found, kept from now on", () => {
    const next = { ...settled, ...ended, state: "completed", reason: null, outcome: RESULT };
    expect(resolveOf(unknown, false)).toEqual({ refusal: null, next });
  });

  test.each([bytes("an error"), null])("fails it as resolved, with the operator's error or without one", (outcome) => {
    const next = { ...settled, ...ended, state: "failed", reason: "resolved", outcome };
    expect(resolveOf(unknown, false, { kind: "failed", outcome })).toEqual({ refusal: null, next });
  });

  test("that it was not done makes it claimable at once, and counts the attempt no more", () => {
    const next = { ...settled, state: "available", due: NOW, attempt: 2, reason: null, outcome: null };
    expect(resolveOf(unknown, false, { kind: "not-done" })).toEqual({ refusal: null, next });
    const again = decideClaim(next as StoredRecord, claimOf(), NOW, 0n).answer;
    expect(again).toMatchObject({ kind: "acquired", reason: "retry", record: { attempt: 3 } });
  });

  test.each(["reconciling", "lapsed under HOLD", "outcome unknown, a suspect cut off"])(
    "supersedes whoever held it, and the suspect too (%s)",
    (name) => {
      for (const verdict of [COMPLETED, { kind: "not-done" }] as const) {
        const { next } = resolveOf(stateNamed(name), true, verdict);
        for (const proof of [HOLDER, SUSPECT]) {
          expect(decideFinish(next, finishOf({ proof }), NOW).answer).toMatchObject({ code: "LEASE_SUPERSEDED" });
        }
      }
    },
  );

  test("raises the fence when the clock has stepped back", () => {
    const ahead = recordOf({ ...unknown, lease: { ...HOLDER, fence: BigInt(addMs(NOW, HOUR)) } });
    expect(resolveOf(ahead, false).next?.lease.fence).toBe(BigInt(addMs(NOW, HOUR)) + 1n);
  });

  test("is refused up to the very end of a reconciler's lease", () => {
    const reconciling = { ...stateNamed("reconciling"), policy: POLICY };
    expect(resolveOf(recordOf({ ...reconciling, due: NOW + 1 }), false).refusal).toBe("held");
    expect(resolveOf(recordOf({ ...reconciling, due: NOW }), false).refusal).toBeNull();
  });
});

describe("a reset", () => {
  const ended = recordOf({
    ...stateNamed("completed by the suspect"),
    hasWaiters: true,
    checkpoint: bytes("cp"),
    checkpointSequence: 3n,
    checkpointTime: NOW,
    progress: bytes("p"),
    externalRef: "ref",
    reason: "reported",
    attempt: 5,
  });

  test("keeps the row and its waiters and unbinds everything else", () => {
    expect(resetOf(ended, false).next).toEqual({
      ...ended,
      state: "available",
      due: NOW,
      forgetAt: Number.POSITIVE_INFINITY,
      attempt: 0,
      lease: raised,
      suspect: null,
      fingerprint: null,
      endTime: null,
      reason: null,
      endDigest: null,
      outcome: null,
      checkpoint: null,
      checkpointSequence: 0n,
      checkpointTime: null,
      externalRef: null,
      progress: null,
    });
  });

  test("that names a state is refused as changed where callers see another, forced or not", () => {
    for (const [name, state] of [
      ["live", "in-progress"],
      ["completed", "completed"],
      ["completed, expired", "expired"],
    ] as const) {
      const stored = stateNamed(name);
      for (const named of ["in-progress", "completed", "expired"] as const) {
        const call = { ...guardOf(stored, true), state: named };
        const { refusal } = decideReset(stored, call, TOKEN, NOW);
        expect(refusal, `${named} of ${name}`).toBe(named === state ? null : "changed");
      }
    }
  });

  test.each(["completed", "failed"])("of an expired record keeps nothing of what it held (%s)", (state) => {
    const evidence = bytes("whoever did it");
    expect(resetOf(recordOf({ ...stateNamed(state), evidence }), false).next?.evidence).toEqual(evidence);
    const expired = recordOf({ ...stateNamed(`${state}, expired`), evidence });
    expect(resetOf(expired, false).next?.evidence).toEqual(new Uint8Array());
  });

  test("is followed by a first claim with any payload, above every fence before", () => {
    const reset = resetOf(ended, false).next;
    const { answer } = decideClaim(reset, claimOf({ fingerprint: fingerprintOf("another payload") }), NOW, 0n);
    expect(answer).toMatchObject({ kind: "acquired", reason: "new", record: { attempt: 1 } });
    if (answer.kind === "acquired") expect(answer.record.lease.fence).toBeGreaterThan(raised.fence);
  });

  test("refuses a live lease up to its very end", () => {
    expect(resetOf(recordOf({ due: NOW + 1 }), false).next).toBeNull();
    expect(resetOf(recordOf({ due: NOW }), false).next).not.toBeNull();
  });

  test("supersedes whoever held it, and the suspect too", () => {
    const reset = resetOf(stateNamed("reconciling"), true).next;
    for (const proof of [HOLDER, SUSPECT]) {
      expect(decideFinish(reset, finishOf({ proof }), NOW).answer).toMatchObject({ code: "LEASE_SUPERSEDED" });
    }
  });
});
