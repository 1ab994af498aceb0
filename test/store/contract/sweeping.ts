import { describe, expect, test } from "vitest";
import { addMs } from "../../../src/domain/instant.ts";
import type { Policy } from "../../../src/domain/record.ts";
import { deriveState } from "../../../src/operations/derive.ts";
import { releaseRecord, resetRecord } from "../../support/operating.ts";
import { bytes, DAY, HOUR, LEASE_MS, MINUTE } from "../../support/records.ts";
import { createBench, freshKey, type Lease, policyOf } from "../bench.ts";
import type { StoreUnderTest } from "../contract.ts";

const NOTHING = { forgotten: 0, abandoned: 0, emptied: 0, settled: 0 };

/** A result kept for a minute, its tombstone for an hour. */
const BRIEF: Policy = policyOf({ resultRetentionMs: MINUTE, tombstoneRetentionMs: HOUR });

export function sweeping(under: () => StoreUnderTest): void {
  const completed = async (policy: Policy) => {
    const bench = createBench(under());
    const lease = await bench.acquire({ policy, externalRef: "ref" });
    await bench.heartbeat(lease, { checkpoint: { sequence: 1n, encoded: bytes("cp") }, progress: bytes("p") });
    await bench.finish(lease, "complete");
    return { bench, lease };
  };

  describe("sweeping", () => {
    test("an empty store has nothing to sweep", async () => {
      expect(await createBench(under()).sweep()).toEqual(NOTHING);
    });

    test("a result is emptied exactly from its end on, once, and the tombstone stands", async () => {
      const { bench, lease } = await completed(BRIEF);
      const full = await bench.peek();
      bench.moveTo(addMs(full.due, -1));
      expect(await bench.sweep()).toEqual(NOTHING);
      bench.moveTo(full.due);
      expect(await bench.sweep()).toEqual({ ...NOTHING, emptied: 1 });
      expect(await bench.peek()).toEqual({
        ...full,
        outcome: null,
        checkpoint: null,
        checkpointTime: null,
        progress: null,
        externalRef: null,
        evidence: new Uint8Array(),
      });
      expect(await bench.sweep()).toEqual(NOTHING);
      expect(await bench.claimed()).toBe("expired");
      expect(await bench.finished(lease, "complete")).toBe("already applied");
    });

    test("nothing is swept that was not due by the instant that is given, though the clock is ahead of it", async () => {
      const { bench } = await completed(BRIEF);
      const { due, forgetAt } = await bench.peek();
      await bench.claimed({ key: freshKey(), leaseMs: MINUTE, policy: BRIEF });
      const before = addMs(due, -1);
      bench.moveTo(addMs(forgetAt, DAY));
      expect(await bench.sweep(before)).toEqual(NOTHING);
      expect(await bench.sweep()).toMatchObject({ forgotten: 1, abandoned: 1 });
    });

    test("a result that was emptied stays expired when the clock steps back", async () => {
      const { bench, lease } = await completed(BRIEF);
      const { due } = await bench.peek();
      bench.moveTo(due);
      expect((await bench.sweep()).emptied).toBe(1);
      bench.moveTo(addMs(due, -30_000));
      expect(await bench.claimed()).toBe("expired");
      expect(await bench.claimed({ reuse: "retry-failed" })).toBe("expired");
      expect(await bench.claimed({ claimId: lease.claimId })).toBe("expired");
      expect(deriveState(await bench.peek(), bench.now())).toBe("expired");
      expect(await bench.finished(lease, "complete")).toBe("already applied");
    });

    test("a tombstone is deleted exactly from its end on, and the fence goes on from it", async () => {
      const { bench, lease } = await completed(BRIEF);
      const { forgetAt } = await bench.peek();
      bench.moveTo(addMs(forgetAt, -1));
      expect((await bench.sweep()).forgotten).toBe(0);
      bench.moveTo(forgetAt);
      expect((await bench.sweep()).forgotten).toBe(1);
      bench.moveTo(addMs(lease.record.createTime, -HOUR));
      const again = await bench.acquire();
      expect(again.attempt).toBe(1);
      expect(again.fence).toBeGreaterThan(lease.fence);
    });

    test("the fence of every deleted record is a floor for all others", async () => {
      const start = under().now();
      under().setNow(addMs(start, DAY));
      const { bench, lease } = await completed(policyOf({ resultRetentionMs: MINUTE, tombstoneRetentionMs: 0 }));
      bench.advance(MINUTE);
      expect((await bench.sweep()).forgotten).toBe(1);
      under().setNow(start);
      expect((await createBench(under()).acquire()).fence).toBeGreaterThan(lease.fence);
    });

    test("what could have been claimed for one result retention is abandoned, exactly from then on", async () => {
      const [lapsed, available, reset] = [createBench(under()), createBench(under()), createBench(under())];
      const lease = await lapsed.acquire({ policy: BRIEF });
      await available.finish(await available.acquire({ policy: BRIEF }), "retryable", { delayMs: LEASE_MS });
      await reset.acquire({ policy: BRIEF });
      lapsed.moveTo(lease.due);
      await resetRecord(under().store, reset.key, true);
      lapsed.moveTo(addMs(lease.due, MINUTE - 1));
      expect(await lapsed.sweep()).toEqual(NOTHING);
      lapsed.moveTo(addMs(lease.due, MINUTE));
      expect(await lapsed.sweep()).toEqual({ ...NOTHING, abandoned: 3 });
      for (const bench of [lapsed, available, reset]) expect(await bench.find()).toBeNull();
      expect((await lapsed.acquire()).fence).toBeGreaterThan(lease.fence);
    });

    test("no live lease, no unknown outcome, no reconciler and no used-up attempt is ever abandoned", async () => {
      const hold = policyOf({ hold: true, resultRetentionMs: MINUTE });
      const make = async (policy: Policy, change: (bench: ReturnType<typeof createBench>, lease: Lease) => unknown) => {
        const bench = createBench(under());
        await change(bench, await bench.acquire({ policy }));
        return bench;
      };
      const kept = [
        await make(hold, () => {}),
        await make(BRIEF, (bench, lease) => bench.finish(lease, "outcome-unknown")),
        await make(hold, async (bench, lease) => {
          await bench.finish(lease, "outcome-unknown");
          await bench.acquire({ intent: "reconcile" });
        }),
        await make(hold, (bench) => releaseRecord(under().store, bench.key)),
        await make(BRIEF, (bench, lease) => bench.heartbeat(lease, { leaseMs: 4_000 * DAY })),
      ];
      const usedUp = [
        await make({ ...BRIEF, maxAttempts: 1 }, () => {}),
        await make({ ...BRIEF, maxAttempts: 1 }, (bench) => releaseRecord(under().store, bench.key)),
      ];
      const before = await Promise.all(kept.map((bench) => bench.peek()));
      under().setNow(addMs(under().now(), 3_000 * DAY));
      expect(await createBench(under()).sweep()).toEqual({ ...NOTHING, settled: 2 });
      expect(await Promise.all(kept.map((bench) => bench.peek()))).toEqual(before);
      for (const bench of usedUp) expect(await bench.peek()).toMatchObject({ state: "failed", reason: "max-attempts" });
    });

    test("used-up attempts are settled from the lease's end on, as a claim would settle them", async () => {
      const bench = createBench(under());
      const lease = await bench.acquire({ policy: { ...BRIEF, maxAttempts: 1 } });
      bench.moveTo(addMs(lease.due, -1));
      expect(await bench.sweep()).toEqual(NOTHING);
      bench.moveTo(lease.due);
      expect(await bench.sweep()).toEqual({ ...NOTHING, settled: 1 });
      expect(await bench.peek()).toEqual({
        ...lease.record,
        state: "failed",
        reason: "max-attempts",
        endTime: bench.now(),
        due: addMs(bench.now(), MINUTE),
        forgetAt: addMs(bench.now(), MINUTE + HOUR),
      });
      expect(await bench.claimed()).toBe("failed");
    });

    test("used-up attempts under HOLD are unknown, not settled", async () => {
      const bench = createBench(under());
      bench.moveTo((await bench.acquire({ policy: policyOf({ hold: true, maxAttempts: 1 }) })).due);
      expect(await bench.sweep()).toEqual(NOTHING);
      expect(await bench.claimed()).toBe("outcome-unknown");
    });

    test("a pass takes at most its limit of each kind, and passes go on until nothing is left", async () => {
      const made = await Promise.all(Array.from({ length: 5 }, () => completed(BRIEF)));
      under().setNow(addMs(under().now(), DAY));
      const passes = [];
      for (let i = 0; i < 4; i++) passes.push((await under().store.sweep(2)).forgotten);
      expect(passes).toEqual([2, 2, 1, 0]);
      for (const { bench } of made) expect(await bench.find()).toBeNull();
    });

    test("parallel passes delete each record once", async () => {
      await Promise.all(Array.from({ length: 10 }, () => completed(BRIEF)));
      under().setNow(addMs(under().now(), DAY));
      const passes = await Promise.all(Array.from({ length: 5 }, () => under().store.sweep(10_000)));
      expect(passes.reduce((sum, { forgotten }) => sum + forgotten, 0)).toBe(10);
    });

    test("callers see no difference before and after a pass, but for what was abandoned", async () => {
      const { bench, lease } = await completed(BRIEF);
      const held = createBench(under());
      await held.acquire({ leaseMs: DAY });
      const seen = async () => [await bench.claimed(), await bench.finished(lease, "complete"), await held.claimed()];
      for (const ms of [0, MINUTE]) {
        bench.advance(ms);
        const before = await seen();
        await bench.sweep();
        expect(await seen()).toEqual(before);
      }
    });
  });
}
