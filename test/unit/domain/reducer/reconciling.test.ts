import { describe, expect, test } from "vitest";
import type { ClaimCall, EndKind, FinishCall } from "../../../../src/domain/calls.ts";
import { addMs, type Instant } from "../../../../src/domain/instant.ts";
import { isOutcomeUnknown, type Proof, type StoredRecord } from "../../../../src/domain/record.ts";
import { decideClaim } from "../../../../src/domain/reducer/claim.ts";
import { decideFinish } from "../../../../src/domain/reducer/finish.ts";
import {
  bytes,
  claimIdOf,
  claimOf,
  finishOf,
  HOLDER,
  LEASE_MS,
  NOW,
  POLICY,
  recordOf,
  SECOND,
  SUSPECT,
  tokenOf,
} from "../../../support/records.ts";
import { stateNamed } from "./states.ts";

function reconcile(stored: StoredRecord, change: Partial<ClaimCall> = {}, now: Instant = NOW): StoredRecord {
  const { answer, next } = decideClaim(stored, claimOf({ intent: "reconcile", ...change }), now, 0n);
  if (answer.kind !== "acquired" || next === null) throw new Error(`not acquired: ${answer.kind}`);
  return next;
}

function finish(stored: StoredRecord, proof: Proof, kind: EndKind, change: Partial<FinishCall> = {}, now = NOW) {
  return decideFinish(stored, finishOf({ proof, kind, ...change }), now);
}

const leftBehind = {
  attempt: 3,
  outcome: bytes("the reported error"),
  checkpoint: bytes("cp"),
  checkpointSequence: 4n,
  progress: bytes("half"),
  externalRef: "charge-1",
  evidence: bytes("who it was"),
  hasWaiters: true,
} as const;

describe("a reconciler's claim", () => {
  const reported = recordOf({ ...stateNamed("outcome unknown"), ...leftBehind });

  test("makes the attempt its suspect, counts none, and leaves what the suspect left behind", () => {
    expect(reconcile(reported)).toEqual({
      ...reported,
      state: "in-progress",
      due: addMs(NOW, LEASE_MS),
      lease: { token: tokenOf("stranger"), fence: BigInt(NOW) },
      claimId: claimIdOf("stranger"),
      suspect: HOLDER,
      attemptStartTime: NOW,
    });
  });

  test("of an outcome unknown by lapse notes that the lease ran out", () => {
    const lapsed = recordOf({ ...stateNamed("lapsed under HOLD"), ...leftBehind });
    expect(reconcile(lapsed)).toMatchObject({ suspect: HOLDER, reason: "lease-expired", attempt: 3 });
  });

  test("after another reconciler keeps the first suspect and the first reason", () => {
    const again = recordOf({ ...stateNamed("reconciling, lapsed"), reason: "reported" });
    expect(reconcile(again)).toMatchObject({ suspect: SUSPECT, reason: "reported" });
  });

  test("of a record that an operator cut off keeps the cut-off attempt as its suspect", () => {
    expect(reconcile(recordOf({ ...stateNamed("outcome unknown, a suspect cut off") })).suspect).toEqual(SUSPECT);
  });

  test("is not cut at the longest execution: it executes nothing", () => {
    const limited = recordOf({ ...stateNamed("outcome unknown"), policy: { ...POLICY, maxExecutionMs: SECOND } });
    expect(reconcile(limited).due).toBe(addMs(NOW, LEASE_MS));
  });
});

describe("the reconciler's verdict", () => {
  const looking = recordOf({ ...stateNamed("reconciling"), ...leftBehind });

  test.each([
    ["complete", { state: "completed", reason: null, attempt: 3, suspect: null, endTime: NOW }],
    ["terminal", { state: "failed", reason: "reported", attempt: 3, suspect: null, endTime: NOW }],
    ["not-started", { state: "available", reason: null, attempt: 2, suspect: null, due: NOW }],
    ["retryable", { state: "available", reason: null, attempt: 3, suspect: null, due: NOW }],
    ["outcome-unknown", { state: "outcome-unknown", reason: "reported", attempt: 3, suspect: SUSPECT, due: NOW }],
  ] as const)("%s", (kind, expected) => {
    expect(finish(looking, HOLDER, kind).next).toMatchObject(expected);
  });

  test.each(["complete", "terminal", "not-started", "retryable"] as const)("%s kills the suspect's token", (kind) => {
    const { next } = finish(looking, HOLDER, kind);
    if (next === null) throw new Error("the verdict was not accepted");
    for (const late of ["complete", "terminal", "retryable", "not-started", "outcome-unknown"] as const) {
      expect(finish(next, SUSPECT, late).answer).toMatchObject({ code: "LEASE_SUPERSEDED" });
    }
  });

  test("RETRYABLE on the last attempt fails for good", () => {
    const last = recordOf({ ...stateNamed("reconciling"), policy: { ...POLICY, hold: true, maxAttempts: 1 } });
    expect(finish(last, HOLDER, "retryable").next).toMatchObject({ state: "failed", reason: "max-attempts" });
  });
});

describe("a reconciler that dies", () => {
  test.each(["reconciling, lapsed", "reconciling, lapsed, not HOLD"])("returns %s to unknown", (name) => {
    const stored = stateNamed(name);
    if (stored === null) throw new Error("bug: absent");
    expect(isOutcomeUnknown(stored, NOW)).toBe(true);
    expect(decideClaim(stored, claimOf(), NOW, 0n).answer.kind).toBe("outcome-unknown");
    expect(reconcile(stored).suspect).toEqual(SUSPECT);
  });
});

describe("the suspect comes back", () => {
  test.each(["complete", "terminal"] as const)("%s is accepted, late, and remembered as the suspect's", (kind) => {
    for (const name of ["reconciling", "outcome unknown, a suspect cut off"]) {
      const { answer, next } = finish(recordOf({ ...stateNamed(name), hasWaiters: true }), SUSPECT, kind);
      expect(answer).toMatchObject({ kind: "ended", late: true, alreadyApplied: false, hasWaiters: true });
      expect(next).toMatchObject({ suspect: SUSPECT, lease: HOLDER, endTime: NOW });
    }
  });

  test("and a wrong 'not started' of the reconciler can no longer land", () => {
    const { next } = finish(recordOf({ ...stateNamed("reconciling") }), SUSPECT, "complete");
    if (next === null) throw new Error("the suspect's end was not accepted");
    expect(finish(next, HOLDER, "not-started")).toEqual({
      answer: { kind: "fault", code: "LEASE_SUPERSEDED", now: NOW },
      next: null,
    });
  });

  test("after an unknown outcome of its own making, whose reconciler reported unknown too", () => {
    const looking = reconcile(recordOf({ ...stateNamed("outcome unknown") }));
    const unknown = finish(looking, looking.lease, "outcome-unknown").next;
    if (unknown === null) throw new Error("the reconciler's end was not accepted");
    expect(finish(unknown, HOLDER, "complete").next).toMatchObject({ state: "completed", suspect: HOLDER });
  });

  test("a delay of its own is not looked at: its ends make nothing claimable", () => {
    const delayMs = POLICY.resultRetentionMs + 1;
    expect(finish(recordOf({ ...stateNamed("reconciling") }), SUSPECT, "terminal", { delayMs }).next?.state).toBe(
      "failed",
    );
  });
});
