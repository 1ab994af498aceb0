import { describe, expect, test } from "vitest";
import { addMs } from "../../../../src/domain/instant.ts";
import { decideClaim } from "../../../../src/domain/reducer/claim.ts";
import { decideFinish } from "../../../../src/domain/reducer/finish.ts";
import { decideHeartbeat } from "../../../../src/domain/reducer/heartbeat.ts";
import { decideRelease, decideReset } from "../../../../src/domain/reducer/operator.ts";
import {
  bytes,
  claimOf,
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

describe("which records an operator can act on", () => {
  const table = `
    record                             | release         | reset   | forced reset
    absent                             | refused         | refused | refused
    forgotten                          | refused         | refused | refused
    live                               | available       | refused | reset
    lapsed                             | available       | reset   | reset
    lapsed, last attempt               | available       | reset   | reset
    lapsed under HOLD                  | outcome-unknown | reset   | reset
    lapsed under HOLD, last attempt    | outcome-unknown | reset   | reset
    reconciling                        | outcome-unknown | refused | reset
    reconciling, lapsed                | outcome-unknown | reset   | reset
    reconciling, lapsed, not HOLD      | outcome-unknown | reset   | reset
    available                          | refused         | reset   | reset
    available, due later               | refused         | reset   | reset
    available, last attempt            | refused         | reset   | reset
    available, unbound                 | refused         | reset   | reset
    completed                          | refused         | reset   | reset
    failed                             | refused         | reset   | reset
    failed, last attempt               | refused         | reset   | reset
    completed, expired                 | refused         | reset   | reset
    failed, expired                    | refused         | reset   | reset
    completed by the suspect           | refused         | reset   | reset
    outcome unknown                    | refused         | reset   | reset
    outcome unknown, a suspect cut off | refused         | reset   | reset`;

  test.each(rowsOf(table))("$record", (row) => {
    const stored = stateNamed(row["record"] ?? "");
    expect(decideRelease(stored, TOKEN, NOW)?.state ?? "refused").toBe(row["release"]);
    expect(decideReset(stored, TOKEN, false, NOW) === null ? "refused" : "reset").toBe(row["reset"]);
    expect(decideReset(stored, TOKEN, true, NOW) === null ? "refused" : "reset").toBe(row["forced reset"]);
  });

  test("every state has its row", () => {
    expect(new Set(rowsOf(table).map((row) => row["record"]))).toEqual(new Set(Object.keys(STATES)));
  });
});

describe("a release", () => {
  test("under REACQUIRE makes the record claimable at once", () => {
    const stored = recordOf({ hasWaiters: true, checkpoint: bytes("cp"), checkpointSequence: 1n, attempt: 2 });
    expect(decideRelease(stored, TOKEN, NOW)).toEqual({ ...stored, state: "available", due: NOW, lease: raised });
  });

  test("under HOLD makes the outcome unknown and the holder the suspect", () => {
    const stored = recordOf({ policy: { ...POLICY, hold: true } });
    expect(decideRelease(stored, TOKEN, NOW)).toEqual({
      ...stored,
      state: "outcome-unknown",
      due: NOW,
      lease: raised,
      suspect: HOLDER,
      reason: "lease-expired",
    });
  });

  test.each(["reconciling", "reconciling, lapsed, not HOLD"])("of a reconciler (%s) keeps its suspect", (name) => {
    expect(decideRelease(stateNamed(name), TOKEN, NOW)).toMatchObject({
      state: "outcome-unknown",
      suspect: SUSPECT,
      lease: raised,
      reason: "lease-expired",
    });
  });

  test("reads as superseded to the holder, whose end still counts under HOLD only", () => {
    const reacquire = decideRelease(recordOf(), TOKEN, NOW);
    const hold = decideRelease(recordOf({ policy: { ...POLICY, hold: true } }), TOKEN, NOW);
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
    expect(decideRelease(ahead, TOKEN, NOW)?.lease.fence).toBe(BigInt(addMs(NOW, HOUR)) + 1n);
  });

  test("of the last attempt leaves nothing to claim: the next claim stores FAILED(MAX_ATTEMPTS)", () => {
    const released = decideRelease(stateNamed("lapsed, last attempt"), TOKEN, NOW);
    expect(decideClaim(released, claimOf(), NOW, 0n).next).toMatchObject({ state: "failed", reason: "max-attempts" });
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
    expect(decideReset(ended, TOKEN, false, NOW)).toEqual({
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

  test("is followed by a first claim with any payload, above every fence before", () => {
    const reset = decideReset(ended, TOKEN, false, NOW);
    const { answer } = decideClaim(reset, claimOf({ fingerprint: fingerprintOf("another payload") }), NOW, 0n);
    expect(answer).toMatchObject({ kind: "acquired", reason: "new", record: { attempt: 1 } });
    if (answer.kind === "acquired") expect(answer.record.lease.fence).toBeGreaterThan(raised.fence);
  });

  test("refuses a live lease up to its very end", () => {
    expect(decideReset(recordOf({ due: NOW + 1 }), TOKEN, false, NOW)).toBeNull();
    expect(decideReset(recordOf({ due: NOW }), TOKEN, false, NOW)).not.toBeNull();
  });

  test("supersedes whoever held it, and the suspect too", () => {
    const reset = decideReset(stateNamed("reconciling"), TOKEN, true, NOW);
    for (const proof of [HOLDER, SUSPECT]) {
      expect(decideFinish(reset, finishOf({ proof }), NOW).answer).toMatchObject({ code: "LEASE_SUPERSEDED" });
    }
  });
});
