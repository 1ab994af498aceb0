import { describe, expect, test } from "vitest";
import { Code } from "../../../../gen/google/rpc/code_pb.ts";
import { ClaimIntent, FailKind, RecordState } from "../../../../gen/holdfast/v1/idempotency_pb.ts";
import { Fault } from "../../../../src/domain/fault.ts";
import type { Store } from "../../../../src/store/store.ts";
import { acquire, claimOf, detailOf, HOLD, KEY, methods, resultOf } from "../bundle.ts";
import { admin, fenceOf, MADE, type Made, OPERATOR, REASON, type RecordStand, recordStand } from "./records-stand.ts";

const NOT_DONE = { case: "notDone", value: {} } as const;
const COMPLETED = { case: "completed", value: resultOf("by hand") } as const;

const CHANGES = {
  release: (own: RecordStand, more: object = {}) => own.ask(admin.forceRelease, { key: KEY, reason: REASON, ...more }),
  resolve: (own: RecordStand, more: object = {}) =>
    own.ask(admin.resolveOutcome, { key: KEY, reason: REASON, verdict: NOT_DONE, ...more }),
  reset: (own: RecordStand, more: object = {}) => own.ask(admin.resetRecord, { key: KEY, reason: REASON, ...more }),
} as const;

type Name = keyof typeof CHANGES;
const NAMES = Object.keys(CHANGES) as readonly Name[];

/** A state in which the change may be made. */
const FITS = { release: "held", resolve: "unknown", reset: "completed" } as const satisfies Record<Name, Made>;

const refusal = (change: Promise<unknown>) =>
  change.then(
    () => null,
    (thrown: { readonly code: Code; readonly reason: string; readonly message: string }) => thrown,
  );

describe("ForceRelease", () => {
  test("lets the record be claimed at once, and the one who held it is superseded", async () => {
    const own = recordStand();
    const { handle } = await acquire(own);
    const { record } = await CHANGES.release(own);
    expect(record).toMatchObject({ state: RecordState.AVAILABLE, key: { ...KEY, tenant: "default" }, attempt: 1 });
    expect(record?.fence).toBeGreaterThan(handle.fence);
    expect((await own.failure(methods.complete, { handle, result: resultOf("late") })).reason).toBe("LEASE_SUPERSEDED");
    expect((await acquire(own)).handle.fence).toBeGreaterThan(record?.fence ?? 0n);
  });

  test("under HOLD leaves the outcome unknown, and the one who held it may still end it", async () => {
    const own = recordStand();
    const { handle } = await acquire(own, HOLD);
    expect((await CHANGES.release(own)).record?.state).toBe(RecordState.OUTCOME_UNKNOWN);
    expect(await own.call(methods.complete, { handle, result: resultOf("done") })).toMatchObject({ late: true });
  });

  test.each<[Made, string]>([
    ["available", "the record is AVAILABLE, and only IN_PROGRESS records can be released: nobody holds it"],
    ["completed", "the record is COMPLETED, and only IN_PROGRESS records can be released: it has ended"],
    ["failed", "the record is FAILED, and only IN_PROGRESS records can be released: it has ended"],
    ["expired", "the record is EXPIRED, and only IN_PROGRESS records can be released: it has ended"],
    [
      "unknown",
      "the record is OUTCOME_UNKNOWN, and only IN_PROGRESS records can be released: nobody holds it; say with",
    ],
  ])("of a record that is %s is refused, with what to do instead", async (made, words) => {
    const own = recordStand();
    await MADE[made](own);
    const refused = await refusal(CHANGES.release(own));
    expect(refused).toMatchObject({ code: Code.FAILED_PRECONDITION, reason: "INVALID_STATE" });
    expect(refused?.message).toContain(words);
    expect(own.changes).toEqual([]);
  });

  test("of a record whose outcome is unknown by lapse alone is refused as where somebody has said so", async () => {
    const own = recordStand();
    const { handle } = await acquire(own, HOLD);
    own.pass(30_000);
    const refused = await refusal(CHANGES.release(own));
    expect(refused).toMatchObject({ code: Code.FAILED_PRECONDITION, reason: "INVALID_STATE" });
    expect(refused?.message).toContain("the record is OUTCOME_UNKNOWN, and only IN_PROGRESS records can be released");
    expect(await own.call(methods.complete, { handle, result: resultOf("done") })).toMatchObject({ late: true });
  });
});

describe("ResolveOutcome", () => {
  test("with a result ends the record, and the result is replayed as if its holder had said it", async () => {
    const own = recordStand();
    await MADE.unknown(own);
    const metadata = { b: "2", a: "1" };
    const value = { ...resultOf("done"), contentType: "text/plain", metadata };
    const { record } = await CHANGES.resolve(own, { verdict: { case: "completed", value } });
    expect(record).toMatchObject({ state: RecordState.COMPLETED, attempt: 1 });
    expect(record?.result).toBeUndefined();
    const { result } = detailOf(await own.call(methods.claim, claimOf()), "completed");
    expect(result).toMatchObject({ contentType: "text/plain", metadata });
    expect(Buffer.from(result?.body.value as Uint8Array).toString()).toBe("done");
  });

  test("with an error is replayed exactly as a terminal failure is", async () => {
    const error = { code: 9, message: "no such card", details: [] };
    const byHolder = recordStand();
    const { handle } = await acquire(byHolder);
    await byHolder.call(methods.fail, { handle, kind: FailKind.TERMINAL, error });
    const byOperator = recordStand();
    await MADE.unknown(byOperator);
    await CHANGES.resolve(byOperator, { verdict: { case: "failed", value: error } });
    const replay = async (own: RecordStand) => detailOf(await own.call(methods.claim, claimOf()), "failed").error;
    expect(await replay(byOperator)).toEqual(await replay(byHolder));
    expect(await replay(byOperator)).toMatchObject(error);
  });

  test("with not done lets it be done again, and the attempt is not counted", async () => {
    const own = recordStand();
    await MADE.unknown(own);
    const { record } = await CHANGES.resolve(own);
    expect(record).toMatchObject({ state: RecordState.AVAILABLE, attempt: 0 });
    expect((await acquire(own)).lease?.attempt).toBe(1);
  });

  test("also when the outcome is unknown by lapse alone; the attempt in doubt cannot end it any more", async () => {
    const own = recordStand();
    const { handle } = await acquire(own, HOLD);
    own.pass(31_000);
    await CHANGES.resolve(own, { verdict: COMPLETED });
    expect((await own.failure(methods.complete, { handle, result: resultOf("late") })).reason).toBe("LEASE_SUPERSEDED");
  });

  test("is refused while a reconciler is looking into it, unless forced", async () => {
    const own = recordStand();
    await MADE.reconciling(own);
    const refused = await refusal(CHANGES.resolve(own, { verdict: COMPLETED }));
    expect(refused).toMatchObject({ code: Code.FAILED_PRECONDITION, reason: "INVALID_STATE" });
    expect(refused?.message).toContain("a reconciler is looking into the record; wait for its verdict, or");
    const { record } = await CHANGES.resolve(own, { verdict: COMPLETED, force: true });
    expect(record?.state).toBe(RecordState.COMPLETED);
  });

  test.each<[Made, string]>([
    ["held", "the record is IN_PROGRESS, and only records that are OUTCOME_UNKNOWN can be resolved: somebody holds it"],
    ["available", "the record is AVAILABLE, and only records that are OUTCOME_UNKNOWN can be resolved: nothing of it"],
    ["completed", "the record is COMPLETED, and only records that are OUTCOME_UNKNOWN can be resolved: it has ended"],
  ])("of a record that is %s is refused, forced or not, with what to do instead", async (made, words) => {
    const own = recordStand();
    await MADE[made](own);
    for (const force of [false, true]) {
      const refused = await refusal(CHANGES.resolve(own, { force }));
      expect(refused).toMatchObject({ code: Code.FAILED_PRECONDITION, reason: "INVALID_STATE" });
      expect(refused?.message).toContain(words);
    }
  });
});

describe("ResetRecord", () => {
  test.each(["lapsed", "available", "completed", "failed", "unknown", "expired"] as const)(
    "makes the next claim of a record that is %s a first claim, whatever its payload",
    async (made) => {
      const own = recordStand();
      const fingerprint = (byte: number) => ({ algorithm: "sha-256", digest: new Uint8Array(32).fill(byte) });
      await MADE[made](own, { fingerprint: fingerprint(1) });
      const { record } = await CHANGES.reset(own);
      expect(record).toMatchObject({ state: RecordState.AVAILABLE, attempt: 0 });
      const { lease } = await acquire(own, { fingerprint: fingerprint(2) });
      expect(lease?.attempt).toBe(1);
      expect(lease?.fence).toBeGreaterThan(record?.fence ?? 0n);
    },
  );

  test.each(["held", "reconciling"] as const)("of a record that is %s is refused unless forced", async (made) => {
    const own = recordStand();
    await MADE[made](own);
    const refused = await refusal(CHANGES.reset(own));
    expect(refused).toMatchObject({ code: Code.FAILED_PRECONDITION, reason: "INVALID_STATE" });
    expect(refused?.message).toBe("somebody holds the record; wait for the end of the lease, or reset it with force");
    expect((await CHANGES.reset(own, { force: true })).record?.state).toBe(RecordState.AVAILABLE);
  });
});

describe("each change", () => {
  test.each(NAMES)("%s of an absent record is RECORD_NOT_FOUND, with a fence and without", async (name) => {
    const own = recordStand();
    for (const expectedFence of [0n, 1n]) {
      const refused = await refusal(CHANGES[name](own, { expectedFence }));
      expect(refused).toMatchObject({ code: Code.NOT_FOUND, reason: "RECORD_NOT_FOUND" });
    }
  });

  test.each(NAMES)("%s is made of the record with the fence that was named, and of no other", async (name) => {
    const own = recordStand();
    await MADE[FITS[name]](own);
    const fence = await fenceOf(own);
    for (const expectedFence of [fence - 1n, fence + 1n, 2n ** 63n - 1n]) {
      const refused = await refusal(CHANGES[name](own, { expectedFence }));
      expect(refused).toMatchObject({ code: Code.ABORTED, reason: "RECORD_CHANGED" });
      expect(refused?.message).toContain("look at it again");
    }
    expect(await fenceOf(own)).toBe(fence);
    const { record } = await CHANGES[name](own, { expectedFence: fence });
    expect(record?.fence).toBeGreaterThan(fence);
    expect(await fenceOf(own)).toBe(record?.fence);
    expect((await refusal(CHANGES[name](own, { expectedFence: fence })))?.reason).toBe("RECORD_CHANGED");
  });

  test.each(NAMES)(
    "%s without a fence is made of the record that it found, and of none that came since",
    async (name) => {
      let between = async () => {};
      const overtaken = async <Answer>(answer: Promise<Answer>): Promise<Answer> => {
        await answer;
        await between();
        return answer;
      };
      const own = recordStand({
        through: (store): Store => ({
          ...store,
          release: (call, deadline) => overtaken(store.release(call, deadline)),
          resolve: (call, deadline) => overtaken(store.resolve(call, deadline)),
          reset: (call, deadline) => overtaken(store.reset(call, deadline)),
        }),
      });
      await MADE[FITS[name]](own);
      between = async () => {
        between = async () => {};
        const { record } = await own.store.peek({ ...KEY, tenant: "default" }, Number.POSITIVE_INFINITY);
        const fence = record?.lease.fence ?? 0n;
        const call = { key: { ...KEY, tenant: "default" }, fence, actor: "another", reason: "was faster", force: true };
        await own.store.reset(call, Number.POSITIVE_INFINITY);
        await acquire(own);
      };
      expect((await refusal(CHANGES[name](own)))?.reason).toBe("RECORD_CHANGED");
      expect((await own.call(methods.getRecord, { key: KEY })).record?.state).toBe(RecordState.IN_PROGRESS);
      expect(own.changes).toEqual([]);
    },
  );

  test("a reset without a fence wipes no result that came since it has looked, though no end raises the fence", async () => {
    let looks = 0;
    const own: RecordStand = recordStand({
      through: (store) => ({
        ...store,
        async reset(call, deadline) {
          const answer = await store.reset(call, deadline);
          if (looks++ === 0) await own.call(methods.complete, { handle, result: resultOf("paid") });
          return answer;
        },
      }),
    });
    const { handle } = await acquire(own, HOLD);
    own.pass(31_000);
    expect((await refusal(CHANGES.reset(own)))?.reason).toBe("RECORD_CHANGED");
    expect((await own.call(methods.getRecord, { key: KEY })).record?.state).toBe(RecordState.COMPLETED);
  });

  test("a reset is made of a record in the state that was seen, and without one of any", async () => {
    const own = recordStand();
    const { handle } = await acquire(own, HOLD);
    own.pass(31_000);
    const seen = { expectedFence: await fenceOf(own), expectedState: RecordState.OUTCOME_UNKNOWN };
    await own.call(methods.complete, { handle, result: resultOf("paid") });
    expect((await refusal(CHANGES.reset(own, seen)))?.reason).toBe("RECORD_CHANGED");
    expect((await refusal(CHANGES.reset(own, { expectedState: seen.expectedState })))?.reason).toBe("RECORD_CHANGED");
    expect((await own.call(methods.getRecord, { key: KEY })).record?.state).toBe(RecordState.COMPLETED);
    const { record } = await CHANGES.reset(own, { expectedFence: seen.expectedFence });
    expect(record?.state).toBe(RecordState.AVAILABLE);
  });

  test.each(NAMES)("%s is told to the log: who, what and whose, with its number in the audit log", async (name) => {
    const own = recordStand();
    await MADE[FITS[name]](own);
    await CHANGES[name](own);
    expect(own.changes).toEqual([
      { actor: OPERATOR.name, action: name, tenant: "default", auditSequence: expect.any(BigInt) },
    ]);
    await refusal(CHANGES[name](own, { expectedFence: 1n }));
    expect(own.changes).toHaveLength(1);
  });

  test.each(NAMES)("%s whose answer the store has lost is STORE_UNAVAILABLE, and told to nobody", async (name) => {
    const lost = async () => {
      throw new Fault("STORE_UNAVAILABLE", "the database does not answer");
    };
    const own = recordStand({ through: (store) => ({ ...store, release: lost, resolve: lost, reset: lost }) });
    await MADE[FITS[name]](own);
    expect(await refusal(CHANGES[name](own))).toMatchObject({ code: Code.UNAVAILABLE, reason: "STORE_UNAVAILABLE" });
    expect(own.changes).toEqual([]);
  });
});

test("a refusal tells the state that it was for, whatever has come since", async () => {
  const own = recordStand({
    through: (store) => ({
      ...store,
      async release(call, deadline) {
        const answer = await store.release(call, deadline);
        await acquire(own, { intent: ClaimIntent.RECONCILE });
        return answer;
      },
    }),
  });
  await MADE.unknown(own);
  const refused = await refusal(CHANGES.release(own, { expectedFence: await fenceOf(own) }));
  expect(refused).toMatchObject({ reason: "INVALID_STATE", message: expect.stringContaining("is OUTCOME_UNKNOWN") });
});
