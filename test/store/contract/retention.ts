import { describe, expect, test } from "vitest";
import { addMs } from "../../../src/domain/instant.ts";
import { resetRecord } from "../../support/operating.ts";
import { bytes, DAY, fingerprintOf, flagAsItIs, HOUR, MINUTE } from "../../support/records.ts";
import { createBench, policyOf } from "../bench.ts";
import type { StoreUnderTest } from "../contract.ts";

export function retention(under: () => StoreUnderTest): void {
  describe("retention", () => {
    test("a result is replayed up to its end, expired up to the tombstone's, and then absent", async () => {
      const bench = createBench(under());
      const policy = policyOf({ resultRetentionMs: MINUTE, tombstoneRetentionMs: HOUR });
      await bench.finish(await bench.acquire({ policy }), "complete");
      const resultEnd = addMs(bench.now(), MINUTE);
      const tombstoneEnd = addMs(resultEnd, HOUR);
      const at = async (instant: number) => {
        bench.moveTo(instant);
        return [await bench.claimed({ mayAcquire: "nothing" }), (await bench.find())?.state ?? "absent"];
      };
      expect(await at(resultEnd - 1_000)).toEqual(["completed", "completed"]);
      expect(await at(resultEnd)).toEqual(["expired", "completed"]);
      expect(await at(tombstoneEnd - 1_000)).toEqual(["expired", "completed"]);
      expect(await at(tombstoneEnd)).toEqual(["refused", "absent"]);
    });

    test("a record without a tombstone is absent with the end of its result", async () => {
      const bench = createBench(under());
      const policy = policyOf({ resultRetentionMs: MINUTE, tombstoneRetentionMs: 0 });
      await bench.finish(await bench.acquire({ policy }), "terminal");
      bench.advance(MINUTE);
      expect(await bench.claimed()).toBe("acquired new");
    });

    test("a forgotten record is claimed anew: nothing of it is left but the fence", async () => {
      const bench = createBench(under());
      const old = await bench.acquire({
        policy: policyOf({ maxAttempts: 9, maxExecutionMs: DAY }),
        externalRef: "old",
      });
      await bench.heartbeat(old, { checkpoint: { sequence: 8n, encoded: bytes("cp") }, progress: bytes("p") });
      await flagAsItIs(under().store, bench.key);
      await bench.finish(old, "complete");
      bench.advance(2 * DAY);
      const policy = policyOf({ hold: true });
      const lease = await bench.acquire({ fingerprint: fingerprintOf("another"), policy, evidence: bytes("new") });
      expect(lease.record).toMatchObject({
        attempt: 1,
        hasWaiters: false,
        fingerprint: fingerprintOf("another"),
        policy,
        createTime: bench.now(),
        endTime: null,
        reason: null,
        endDigest: null,
        outcome: null,
        checkpoint: null,
        checkpointSequence: 0n,
        checkpointTime: null,
        evidence: bytes("new"),
        externalRef: null,
        progress: null,
      });
      expect(lease.fence).toBeGreaterThan(old.fence);
      expect(await bench.peek()).toEqual(lease.record);
      expect(await bench.finished(old, "complete")).toBe("LEASE_SUPERSEDED");
    });

    test("a token of a forgotten record finds nothing", async () => {
      const bench = createBench(under());
      const lease = await bench.acquire();
      await bench.finish(lease, "complete");
      bench.advance(2 * DAY);
      expect(await bench.finished(lease, "complete")).toBe("RECORD_NOT_FOUND");
      expect(await bench.heartbeat(lease)).toBe("RECORD_NOT_FOUND");
      expect(await bench.claimed({ intent: "reconcile" })).toBe("RECORD_NOT_FOUND");
    });

    test("a repeated end is recognised for as long as the record is known", async () => {
      const bench = createBench(under());
      const lease = await bench.acquire();
      await bench.finish(lease, "complete");
      bench.advance(DAY + HOUR);
      expect(await bench.finished(lease, "complete")).toBe("already applied");
    });

    test("nothing unfinished is forgotten by time", async () => {
      const benches = await Promise.all(
        (["retryable", "outcome-unknown", null] as const).map(async (kind) => {
          const bench = createBench(under());
          const lease = await bench.acquire({ policy: policyOf({ hold: kind === null }) });
          if (kind !== null) await bench.finish(lease, kind);
          return bench;
        }),
      );
      under().setNow(addMs(under().now(), 4_000 * DAY));
      const found = await Promise.all(benches.map(async (bench) => (await bench.peek()).state));
      expect(found).toEqual(["available", "outcome-unknown", "in-progress"]);
    });

    test("the fence rises over takeover, retry, reset, expiry and re-creation, also when the clock stands still or steps back", async () => {
      const bench = createBench(under());
      const start = bench.now();
      const policy = policyOf({ resultRetentionMs: MINUTE, tombstoneRetentionMs: 0 });
      const fences: bigint[] = [];
      const acquire = async () => {
        const lease = await bench.acquire({ policy });
        fences.push(lease.fence);
        return lease;
      };
      bench.moveTo((await acquire()).due);
      await bench.finish(await acquire(), "not-started");
      bench.moveTo(start);
      await resetRecord(under().store, bench.key, true);
      bench.moveTo(addMs(bench.now(), 1));
      await bench.finish(await acquire(), "not-started");
      await bench.finish(await acquire(), "complete");
      bench.advance(MINUTE);
      await acquire();
      expect(fences).toEqual(fences.toSorted((a, b) => (a < b ? -1 : 1)));
      expect(new Set(fences).size).toBe(5);
      bench.advance(HOUR);
    });
  });
}
