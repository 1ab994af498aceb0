import { describe, expect, test } from "vitest";
import type { WatchCall } from "../../../src/domain/calls.ts";
import { addMs } from "../../../src/domain/instant.ts";
import { resetRecord } from "../../support/operating.ts";
import { bytes, DAY, fingerprintOf, flagAsItIs, HOUR } from "../../support/records.ts";
import { createBench, policyOf } from "../bench.ts";
import type { StoreUnderTest } from "../contract.ts";

export function operators(under: () => StoreUnderTest): void {
  const watch = (bench: ReturnType<typeof createBench>) => flagAsItIs(under().store, bench.key);
  const reset = (bench: ReturnType<typeof createBench>, force: boolean) => resetRecord(under().store, bench.key, force);

  describe("a reset", () => {
    test("makes the next claim a first claim with any payload and policy, above every fence before", async () => {
      const bench = createBench(under());
      const old = await bench.acquire({ externalRef: "old" });
      await bench.heartbeat(old, { checkpoint: { sequence: 5n, encoded: bytes("cp") } });
      await bench.finish(old, "complete");
      expect(await reset(bench, false)).toBe(true);
      expect(await bench.peek()).toMatchObject({
        state: "available",
        attempt: 0,
        fingerprint: null,
        outcome: null,
        checkpoint: null,
        externalRef: null,
        endTime: null,
        forgetAt: Number.POSITIVE_INFINITY,
      });
      expect(await bench.finished(old, "complete")).toBe("LEASE_SUPERSEDED");
      bench.advance(HOUR);
      const policy = policyOf({ hold: true });
      const { record, fence } = await bench.acquire({ fingerprint: fingerprintOf("another"), policy });
      expect(record).toMatchObject({
        attempt: 1,
        fingerprint: fingerprintOf("another"),
        policy,
        checkpointSequence: 0n,
        checkpointTime: null,
        createTime: bench.now(),
      });
      expect(fence).toBeGreaterThan(old.fence);
      expect(await bench.peek()).toEqual(record);
    });

    test("is followed by a claim that is NEW", async () => {
      const bench = createBench(under());
      await bench.finish(await bench.acquire(), "terminal");
      await reset(bench, false);
      expect(await bench.claimed()).toBe("acquired new");
    });

    test("leaves a live lease alone unless forced", async () => {
      const bench = createBench(under());
      const lease = await bench.acquire();
      bench.moveTo(addMs(lease.due, -1));
      expect(await reset(bench, false)).toBe(false);
      expect(await bench.peek()).toEqual(lease.record);
      expect(await reset(bench, true)).toBe(true);
      expect(await bench.heartbeat(lease)).toBe("LEASE_SUPERSEDED");
    });

    test("needs no force from the lease's end on", async () => {
      const bench = createBench(under());
      bench.moveTo((await bench.acquire()).due);
      expect(await reset(bench, false)).toBe(true);
    });

    test("of a record that has not expired keeps who worked on it", async () => {
      const bench = createBench(under());
      await bench.finish(await bench.acquire({ evidence: bytes("a") }), "complete");
      await reset(bench, false);
      expect((await bench.peek()).evidence).toEqual(bytes("a"));
    });

    test("does nothing to a record that is absent or forgotten", async () => {
      const bench = createBench(under());
      expect(await reset(bench, true)).toBe(false);
      await bench.finish(await bench.acquire(), "complete");
      bench.advance(2 * DAY);
      expect(await reset(bench, true)).toBe(false);
      expect(await bench.find()).toBeNull();
    });
  });

  describe("the flag of those who wait", () => {
    test("is set once on an open record, in each open state, and changes nothing else", async () => {
      const enter = {
        "in-progress": async (bench: ReturnType<typeof createBench>) => bench.acquire(),
        available: async (bench: ReturnType<typeof createBench>) => bench.finish(await bench.acquire(), "retryable"),
        "outcome-unknown": async (bench: ReturnType<typeof createBench>) =>
          bench.finish(await bench.acquire(), "outcome-unknown"),
      };
      for (const [state, make] of Object.entries(enter)) {
        const bench = createBench(under());
        await make(bench);
        const before = await bench.peek();
        expect(await watch(bench), state).toBe(true);
        expect(await watch(bench), state).toBe(false);
        expect(await bench.peek()).toEqual({ ...before, hasWaiters: true });
      }
    });

    test("is not set on a record that is absent or ended", async () => {
      const bench = createBench(under());
      expect(await watch(bench)).toBe(false);
      await bench.finish(await bench.acquire(), "complete");
      expect(await watch(bench)).toBe(false);
    });

    test("is not set on a record that has another state or fence than it was read with", async () => {
      const bench = createBench(under());
      const lease = await bench.acquire();
      const asRead = { key: bench.key, state: "in-progress", fence: lease.fence } as const;
      const flag = (call: typeof asRead | WatchCall) => under().store.watch(call, Number.POSITIVE_INFINITY);
      expect(await flag({ ...asRead, state: "available" })).toBe(false);
      expect(await flag({ ...asRead, fence: lease.fence - 1n })).toBe(false);
      bench.moveTo(lease.due);
      await bench.acquire();
      expect(await flag(asRead)).toBe(false);
      expect(await watch(bench)).toBe(true);
    });

    test("is set by one of 10 parallel calls", async () => {
      const bench = createBench(under());
      await bench.acquire();
      const set = await Promise.all(Array.from({ length: 10 }, () => watch(bench)));
      expect(set.filter(Boolean)).toHaveLength(1);
    });

    test("is told to whoever extends or ends, and outlives takeover and reset", async () => {
      const bench = createBench(under());
      const lease = await bench.acquire();
      expect(await bench.finish({ ...lease, fence: lease.fence - 1n }, "complete")).not.toHaveProperty("hasWaiters");
      await watch(bench);
      bench.moveTo(lease.due);
      const next = await bench.acquire();
      expect(next.record.hasWaiters).toBe(true);
      expect(await bench.finish(next, "retryable")).toMatchObject({ hasWaiters: true });
      await reset(bench, false);
      const last = await bench.acquire();
      expect(last.record.hasWaiters).toBe(true);
      expect(await bench.finish(last, "complete")).toMatchObject({ hasWaiters: true });
      expect(await bench.finish(last, "complete")).toMatchObject({ alreadyApplied: true, hasWaiters: true });
    });
  });
}
