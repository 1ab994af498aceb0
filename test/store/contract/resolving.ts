import { describe, expect, test } from "vitest";
import { addMs } from "../../../src/domain/instant.ts";
import type { Verdict } from "../../../src/store/operator-store.ts";
import { OPERATOR, resolveRecord } from "../../support/operating.ts";
import { bytes, DAY, LEASE_MS, MINUTE } from "../../support/records.ts";
import { type Bench, createBench, type Lease, policyOf } from "../bench.ts";
import type { StoreUnderTest } from "../contract.ts";

const NEVER = Number.POSITIVE_INFINITY;
const HOLD = policyOf({ hold: true, resultRetentionMs: MINUTE });
const RESULT = bytes("what the operator found");
const COMPLETED: Verdict = { kind: "completed", outcome: RESULT };
const NOT_DONE: Verdict = { kind: "not-done" };
const reconcile = { intent: "reconcile" } as const;

export function resolving(under: () => StoreUnderTest): void {
  const resolve = (bench: Bench, verdict: Verdict, force = false) =>
    resolveRecord(under().store, bench.key, verdict, force);
  const lapsed = async (bench: Bench): Promise<Lease> => {
    const suspect = await bench.acquire({ policy: HOLD });
    bench.advance(LEASE_MS);
    return suspect;
  };

  describe("a resolution", () => {
    test("completes what was unknown by lapse: its result is replayed, and kept from now on", async () => {
      const bench = createBench(under());
      const suspect = await lapsed(bench);
      const before = await bench.peek();
      expect(await resolve(bench, COMPLETED)).toBe("completed");
      const after = await bench.peek();
      expect(after).toEqual({
        ...before,
        state: "completed",
        due: addMs(bench.now(), MINUTE),
        forgetAt: addMs(bench.now(), MINUTE + DAY),
        lease: after.lease,
        endTime: bench.now(),
        outcome: RESULT,
      });
      expect(after.lease.fence).toBeGreaterThan(suspect.fence);
      expect(after.lease.token).not.toEqual(suspect.token);
      expect(await bench.claim()).toMatchObject({ kind: "completed", record: { outcome: RESULT } });
      expect(await bench.claim({ claimId: suspect.claimId })).toMatchObject({ kind: "completed" });
      expect(await bench.finished(suspect, "complete")).toBe("LEASE_SUPERSEDED");
    });

    test.each([bytes("no such account"), null])(
      "fails what was reported unknown, with an error or without",
      async (outcome) => {
        const bench = createBench(under());
        const holder = await bench.acquire();
        await bench.finish(holder, "outcome-unknown", { outcome: bytes("timed out") });
        expect(await resolve(bench, { kind: "failed", outcome })).toBe("failed");
        expect(await bench.claim()).toMatchObject({
          kind: "failed",
          record: { reason: "resolved", outcome, endDigest: null },
        });
        expect(await bench.finished(holder, "outcome-unknown", { outcome: bytes("timed out") })).toBe(
          "LEASE_SUPERSEDED",
        );
        expect(await bench.claimed({ reuse: "retry-failed" })).toBe("acquired retry");
      },
    );

    test("that it was not done makes the record claimable at once, and counts the attempt no more", async () => {
      const bench = createBench(under());
      const suspect = await bench.acquire({ policy: policyOf({ hold: true, maxAttempts: 1 }) });
      await bench.finish(suspect, "outcome-unknown", { outcome: bytes("timed out") });
      expect(await resolve(bench, NOT_DONE)).toBe("available");
      expect(await bench.peek()).toMatchObject({
        due: bench.now(),
        attempt: 0,
        reason: null,
        outcome: null,
        endDigest: null,
        suspect: null,
        forgetAt: Number.POSITIVE_INFINITY,
      });
      expect(await bench.claimed({ claimId: suspect.claimId })).toBe("CLAIM_ENDED");
      expect(await bench.acquire()).toMatchObject({ attempt: 1 });
      expect(await bench.finished(suspect, "complete")).toBe("LEASE_SUPERSEDED");
    });

    test("leaves a reconciler alone up to the end of its lease, unless forced", async () => {
      const bench = createBench(under());
      await lapsed(bench);
      const reconciler = await bench.acquire(reconcile);
      bench.moveTo(addMs(reconciler.due, -1));
      const before = await bench.peek();
      expect(await resolve(bench, COMPLETED)).toBeNull();
      expect(await bench.peek()).toEqual(before);
      expect(await resolve(bench, COMPLETED, true)).toBe("completed");
      expect(await bench.finished(reconciler, "not-started")).toBe("LEASE_SUPERSEDED");
    });

    test("needs no force from the end of a reconciler's lease on, whatever the policy", async () => {
      const bench = createBench(under());
      await bench.finish(await bench.acquire(), "outcome-unknown");
      bench.moveTo((await bench.acquire(reconcile)).due);
      expect(await resolve(bench, NOT_DONE)).toBe("available");
    });

    test("of what a release has made unknown kills the right of the one that was released", async () => {
      const bench = createBench(under());
      const holder = await bench.acquire({ policy: HOLD });
      await under().store.release({ ...OPERATOR, key: bench.key, fence: holder.fence }, NEVER);
      expect(await resolve(bench, NOT_DONE)).toBe("available");
      expect(await bench.finished(holder, "complete")).toBe("LEASE_SUPERSEDED");
    });
  });

  describe("what an operator asks for of a record that is not so, or not so any more", () => {
    const answersOf = async (bench: Bench, fence: bigint, force: boolean) => {
      const call = { ...OPERATOR, key: bench.key, fence, force };
      const { store } = under();
      const answers = [
        await store.release(call, NEVER),
        await store.resolve({ ...call, verdict: COMPLETED }, NEVER),
        await store.reset(call, NEVER),
      ];
      return answers.map((answer) => (answer.kind === "refused" ? answer.why : answer.record.state));
    };

    test("is refused as absent, whatever fence it names, when there is none or it is forgotten", async () => {
      const bench = createBench(under());
      expect(await answersOf(bench, 1n, true)).toEqual(["absent", "absent", "absent"]);
      const { fence } = await bench.acquire({
        policy: policyOf({ resultRetentionMs: MINUTE, tombstoneRetentionMs: 0 }),
      });
      await bench.finish({ ...(await bench.peek()).lease }, "complete");
      bench.advance(MINUTE);
      expect(await answersOf(bench, fence, true)).toEqual(["absent", "absent", "absent"]);
    });

    test("is refused as changed when the fence is another, forced or not, and in whatever state", async () => {
      const bench = createBench(under());
      const holder = await bench.acquire({ policy: HOLD });
      const refusedAsChanged = async () => {
        const before = await bench.peek();
        for (const fence of [before.lease.fence - 1n, before.lease.fence + 1n]) {
          expect(await answersOf(bench, fence, true)).toEqual(["changed", "changed", "changed"]);
        }
        expect(await bench.peek()).toEqual(before);
      };
      await refusedAsChanged();
      bench.moveTo(holder.due);
      await refusedAsChanged();
      await bench.finish(holder, "complete");
      await refusedAsChanged();
    });

    test("is refused by its state, and then because it is held", async () => {
      const bench = createBench(under());
      const { fence } = await bench.acquire();
      const { store } = under();
      const call = { ...OPERATOR, key: bench.key, fence, force: false };
      const whyOf = async (answer: ReturnType<typeof store.reset>) => (await answer) as unknown as { why?: string };
      expect(await whyOf(store.resolve({ ...call, verdict: COMPLETED }, NEVER))).toMatchObject({ why: "state" });
      expect(await whyOf(store.reset(call, NEVER))).toMatchObject({ why: "held" });
      await bench.finish((await bench.peek()).lease, "complete");
      expect(await whyOf(store.release(call, NEVER))).toMatchObject({ why: "state" });
      expect(await whyOf(store.resolve({ ...call, force: true, verdict: COMPLETED }, NEVER))).toMatchObject({
        why: "state",
      });
    });

    test("is answered with the record as it is afterwards, without what the work has produced", async () => {
      const bench = createBench(under());
      const holder = await bench.acquire({ externalRef: "tx-1" });
      await bench.heartbeat(holder, { checkpoint: { sequence: 1n, encoded: bytes("cp") } });
      await bench.finish(holder, "outcome-unknown", { outcome: bytes("timed out") });
      const call = { ...OPERATOR, key: bench.key, fence: holder.fence, force: false };
      const answer = await under().store.resolve({ ...call, verdict: COMPLETED }, NEVER);
      expect(answer).toMatchObject({ kind: "changed-record", now: bench.now() });
      const { record } = answer as Extract<typeof answer, { kind: "changed-record" }>;
      expect(record).toEqual({ ...(await bench.peek()), outcome: null, checkpoint: null });
    });
  });
}
