import { describe, expect, test } from "vitest";
import type { ClaimAnswer } from "../../../../src/domain/calls.ts";
import { addMs } from "../../../../src/domain/instant.ts";
import { decideClaim } from "../../../../src/domain/reducer/claim.ts";
import { answerClaims, type ClaimRow, followClaim } from "../../../../src/store/postgres/claim-row.ts";
import { HalfDone } from "../../../../src/store/postgres/errors.ts";
import { bytes, claimIdOf, claimOf, fingerprintOf, NOW, recordOf } from "../../../support/records.ts";
import { claimWords } from "../../../support/words.ts";
import { databaseError } from "../fake-database.ts";

const follower = claimOf({ claimId: claimIdOf("follower") });
const words = (answer: ClaimAnswer | null) => answer && claimWords(answer);

describe("a follower", () => {
  test("of a claim that acquired is told that it is in progress, with the record as it is now", () => {
    const { answer } = decideClaim(null, claimOf(), NOW, 0n);
    const followed = followClaim(answer, follower);
    expect(followed).toMatchObject({ kind: "in-progress", now: NOW, record: { claimId: claimIdOf("stranger") } });
  });

  test("of a replay is replayed, and its own payload is compared", () => {
    const ended = recordOf({ state: "completed", endTime: NOW, outcome: bytes("result") });
    const { answer } = decideClaim(ended, claimOf(), NOW, 0n);
    expect(followClaim(answer, follower)).toMatchObject({ kind: "completed", record: ended });
    expect(words(followClaim(answer, { ...follower, fingerprint: fingerprintOf("another") }))).toBe(
      "FINGERPRINT_MISMATCH",
    );
  });

  test("with the claim_id of the lease is not answered: reattaching writes", () => {
    const { answer } = decideClaim(null, claimOf(), NOW, 0n);
    expect(followClaim(answer, claimOf())).toBeNull();
  });

  test("that would acquire, or settle, is not answered", () => {
    const lapsed = recordOf({ due: addMs(NOW, -1) });
    const observed: ClaimAnswer = { kind: "in-progress", record: lapsed, policyDiffers: false, now: NOW };
    expect(followClaim(observed, follower)).toBeNull();
    const usedUp = { ...lapsed, policy: { ...lapsed.policy, maxAttempts: 1 } };
    expect(followClaim({ ...observed, record: usedUp }, follower)).toBeNull();
  });

  test("of an answer that tells of no record is not answered", () => {
    expect(followClaim({ kind: "refused", now: NOW }, follower)).toBeNull();
    expect(followClaim({ kind: "fault", code: "RECORD_EXISTS", now: NOW }, follower)).toBeNull();
  });
});

test("a statement that took what the reducer would not is a bug, never an answer", async () => {
  const call = claimOf({ mayAcquire: "nothing" });
  const won = { due: NOW, attempt: 1, lease: { token: call.token, fence: 1n }, hasWaiters: false };
  const row = { i: 1, ...call.key, stored: null, seenAt: NOW, fenceFloor: 0n, won };
  const unused = { query: () => Promise.reject(new Error("unused")) };
  const time = { observed: () => undefined, asOf: () => null, notAfter: async () => "infinity" };
  await expect(answerClaims(unused, [call], [row], time)).rejects.toThrow("bug");
});

describe("when records with used-up attempts cannot be settled after the claims have committed", () => {
  const acquired = claimOf();
  const exhausted = claimOf({ key: { ...acquired.key, key: "order-2" } });
  const time = { observed: () => undefined, asOf: () => null, notAfter: async () => "infinity" };
  const won = { due: NOW, attempt: 1, lease: { token: acquired.token, fence: 1n }, hasWaiters: false };
  const policy = { ...exhausted.policy, maxAttempts: 1 };
  const stored = recordOf({ key: exhausted.key, policy, due: addMs(NOW, -1) });
  const rows: readonly ClaimRow[] = [
    { i: 1, ...acquired.key, stored: null, seenAt: NOW, fenceFloor: 0n, won },
    { i: 2, ...exhausted.key, stored, seenAt: NOW, fenceFloor: 0n, won: null },
  ];
  const answer = (error: Error) =>
    answerClaims({ query: () => Promise.reject(error) }, [acquired, exhausted], rows, time);

  test.for(["55P03", "40P01", "40001"])("because of others (%s), only their calls are undecided", async (code) => {
    const [first, second] = await answer(databaseError(code));
    expect(words(first ?? null)).toBe("acquired new");
    expect(second).toBeNull();
  });

  test.for(["57014", "22001", "42703"])("because of %s, the batch is known to be done by half", async (code) => {
    const error = databaseError(code);
    await expect(answer(error)).rejects.toMatchObject({ name: "HalfDone", cause: error });
    await expect(answer(error)).rejects.toBeInstanceOf(HalfDone);
  });
});
