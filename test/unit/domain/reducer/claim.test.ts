import { describe, expect, test } from "vitest";
import type { ClaimCall } from "../../../../src/domain/calls.ts";
import { addMs, type Instant } from "../../../../src/domain/instant.ts";
import type { Policy, StoredRecord } from "../../../../src/domain/record.ts";
import { decideClaim } from "../../../../src/domain/reducer/claim.ts";
import {
  bytes,
  claimIdOf,
  claimOf,
  DAY,
  fingerprintOf,
  HOUR,
  LEASE_MS,
  MINUTE,
  NO_FINGERPRINT,
  NOW,
  POLICY,
  recordOf,
  SECOND,
  tokenOf,
} from "../../../support/records.ts";
import { stateNamed } from "./states.ts";

function claim(stored: StoredRecord | null, change: Partial<ClaimCall> = {}, now: Instant = NOW) {
  return decideClaim(stored, claimOf(change), now, 0n);
}

/** What is stored after a claim that must have acquired. */
function acquired(stored: StoredRecord | null, change: Partial<ClaimCall> = {}, now: Instant = NOW): StoredRecord {
  const { answer, next } = claim(stored, change, now);
  if (answer.kind !== "acquired" || next === null) throw new Error(`not acquired: ${answer.kind}`);
  expect(answer.record).toEqual(next);
  return next;
}

const OTHER_POLICY: Policy = {
  hold: true,
  maxAttempts: 7,
  maxExecutionMs: 10 * MINUTE,
  resultRetentionMs: HOUR,
  tombstoneRetentionMs: 0,
};

const firstClaim = {
  key: claimOf().key,
  state: "in-progress",
  due: addMs(NOW, LEASE_MS),
  forgetAt: Number.POSITIVE_INFINITY,
  hasWaiters: false,
  attempt: 1,
  claimId: claimIdOf("stranger"),
  suspect: null,
  fingerprint: fingerprintOf("another payload"),
  policy: OTHER_POLICY,
  createTime: NOW,
  attemptStartTime: NOW,
  endTime: null,
  reason: null,
  endDigest: null,
  outcome: null,
  checkpoint: null,
  checkpointSequence: 0n,
  checkpointTime: null,
  evidence: bytes("the stranger's evidence"),
  externalRef: "ref-1",
  progress: null,
} as const;

describe("a first claim", () => {
  const call = { fingerprint: fingerprintOf("another payload"), policy: OTHER_POLICY, externalRef: "ref-1" };
  const leftBehind = {
    checkpoint: bytes("cp"),
    checkpointSequence: 9n,
    checkpointTime: NOW,
    progress: bytes("p"),
    externalRef: "old",
  };

  test("of an absent record fixes everything", () => {
    expect(acquired(null, call)).toEqual({ ...firstClaim, lease: { token: tokenOf("stranger"), fence: BigInt(NOW) } });
  });

  test("of a forgotten record fixes everything anew, the waiters' flag too", () => {
    const stored = recordOf({ ...stateNamed("forgotten"), ...leftBehind, hasWaiters: true, attempt: 4 });
    expect(acquired(stored, call)).toEqual({
      ...firstClaim,
      lease: { token: tokenOf("stranger"), fence: BigInt(NOW) },
    });
  });

  test("of a reset record fixes everything anew and keeps who waits", () => {
    const stored = recordOf({ ...stateNamed("available, unbound"), hasWaiters: true });
    const lease = { token: tokenOf("stranger"), fence: BigInt(NOW) };
    expect(acquired(stored, call)).toEqual({ ...firstClaim, lease, hasWaiters: true });
  });

  test("never tells its own policy from itself", () => {
    for (const name of ["absent", "forgotten", "available, unbound"]) {
      expect(claim(stateNamed(name), call).answer).toMatchObject({ kind: "acquired", policyDiffers: false });
    }
  });
});

describe("a takeover", () => {
  const before = recordOf({
    ...stateNamed("lapsed"),
    attempt: 3,
    hasWaiters: true,
    outcome: bytes("error of attempt 2"),
    checkpoint: bytes("cp"),
    checkpointSequence: 9n,
    checkpointTime: addMs(NOW, -1_000),
    progress: bytes("half"),
    externalRef: "the holder's",
  });

  test("counts an attempt, names the new holder, and hands on checkpoint, error, payload and policy", () => {
    expect(acquired(before, { policy: OTHER_POLICY })).toEqual({
      ...before,
      due: addMs(NOW, LEASE_MS),
      attempt: 4,
      lease: { token: tokenOf("stranger"), fence: BigInt(NOW) },
      claimId: claimIdOf("stranger"),
      attemptStartTime: NOW,
      evidence: bytes("the stranger's evidence"),
      externalRef: null,
      progress: null,
    });
  });

  test("tells a claim that its policy is not the record's", () => {
    expect(claim(before, { policy: OTHER_POLICY }).answer).toMatchObject({ policyDiffers: true });
    expect(claim(before).answer).toMatchObject({ policyDiffers: false });
  });

  test("cuts the lease at the longest execution", () => {
    const stored = recordOf({ ...before, policy: { ...POLICY, maxExecutionMs: 5 * SECOND } });
    expect(acquired(stored).due).toBe(addMs(NOW, 5 * SECOND));
  });
});

test("every field of the policy counts as a difference, for observers too", () => {
  const fields = Object.keys(OTHER_POLICY) as (keyof Policy)[];
  for (const field of fields) {
    const policy = { ...POLICY, [field]: OTHER_POLICY[field] };
    for (const state of ["live", "completed", "failed", "outcome unknown", "completed, expired", "lapsed"]) {
      expect(claim(stateNamed(state), { policy }).answer, `${field}, ${state}`).toMatchObject({ policyDiffers: true });
    }
  }
});

test("a reconciler carries no policy that could differ", () => {
  const answer = claim(stateNamed("outcome unknown"), { intent: "reconcile", policy: OTHER_POLICY }).answer;
  expect(answer).toMatchObject({ kind: "acquired", policyDiffers: false });
});

test("a retry of a failed record is open again and forgets how it ended, but not what went wrong", () => {
  const failed = recordOf({ ...stateNamed("failed"), outcome: bytes("the error"), attempt: 2 });
  expect(acquired(failed, { reuse: "retry-failed" })).toMatchObject({
    state: "in-progress",
    attempt: 3,
    forgetAt: Number.POSITIVE_INFINITY,
    endTime: null,
    reason: null,
    endDigest: null,
    outcome: bytes("the error"),
  });
});

test("settling stores FAILED(MAX_ATTEMPTS) with both retentions, and answers it", () => {
  const stored = recordOf({ ...stateNamed("lapsed, last attempt"), outcome: bytes("error of attempt 1") });
  const { answer, next } = claim(stored, { mayAcquire: "nothing" });
  expect(next).toEqual({
    ...stored,
    state: "failed",
    reason: "max-attempts",
    endTime: NOW,
    due: addMs(NOW, DAY),
    forgetAt: addMs(NOW, 2 * DAY),
  });
  expect(answer).toEqual({ kind: "failed", record: next, policyDiffers: true, now: NOW });
});

describe("a reattach", () => {
  const own = {
    claimId: claimIdOf("holder"),
    token: tokenOf("unused"),
    evidence: bytes("unused"),
    externalRef: "unused",
  };

  test("changes the lease's end and nothing else", () => {
    const stored = recordOf();
    expect(acquired(stored, own)).toEqual({ ...stored, due: addMs(NOW, LEASE_MS) });
  });

  test("never shortens the lease, yet always moves its end", () => {
    const stored = recordOf({ due: addMs(NOW, HOUR) });
    expect(acquired(stored, own).due).toBe(stored.due + 1);
  });

  test("moves the end by a microsecond where the longest execution is reached", () => {
    const policy = { ...POLICY, maxExecutionMs: 15 * SECOND };
    const stored = recordOf({ policy, due: addMs(NOW, 5 * SECOND) });
    expect(acquired(stored, own).due).toBe(addMs(NOW, 5 * SECOND) + 1);
  });

  test("renews a lapsed lease", () => {
    expect(acquired(stateNamed("lapsed"), own).due).toBe(addMs(NOW, LEASE_MS));
  });

  test("of a reconciler is not cut at the longest execution: it executes nothing", () => {
    const stored = recordOf({ ...stateNamed("reconciling"), policy: { ...POLICY, maxExecutionMs: SECOND } });
    expect(acquired(stored, { ...own, intent: "reconcile" }).due).toBe(addMs(NOW, LEASE_MS));
  });
});

describe("payloads", () => {
  const bound = (digest: Uint8Array) => recordOf({ fingerprint: { algorithm: "sha-256", digest } });

  test("two empty fingerprints are equal", () => {
    expect(claim(bound(new Uint8Array()), { fingerprint: NO_FINGERPRINT }).answer.kind).toBe("in-progress");
  });

  test("empty against non-empty differs, both ways", () => {
    expect(claim(bound(new Uint8Array())).answer).toMatchObject({ code: "FINGERPRINT_MISMATCH" });
    expect(claim(recordOf(), { fingerprint: NO_FINGERPRINT }).answer).toMatchObject({ code: "FINGERPRINT_MISMATCH" });
  });

  test("a digest that is a prefix of the other differs", () => {
    const longer = new Uint8Array([...fingerprintOf("payload").digest, 0]);
    expect(claim(bound(longer)).answer).toMatchObject({ code: "FINGERPRINT_MISMATCH" });
  });

  test("the algorithm's label is not compared", () => {
    const relabelled = { ...fingerprintOf("payload"), algorithm: "other" };
    expect(claim(recordOf(), { fingerprint: relabelled }).answer.kind).toBe("in-progress");
  });
});
