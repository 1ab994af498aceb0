import { describe, expect, test } from "vitest";
import { addMs } from "../../../src/domain/instant.ts";
import { bytes, freshToken, HOUR, LEASE_MS, MINUTE, SECOND } from "../../support/records.ts";
import { createBench, policyOf } from "../bench.ts";
import type { StoreUnderTest } from "../contract.ts";

const KINDS = ["complete", "terminal", "retryable", "not-started", "outcome-unknown"] as const;

export function leases(under: () => StoreUnderTest): void {
  describe("leases", () => {
    test("heartbeats keep a claim past its first lease", async () => {
      const bench = createBench(under());
      const lease = await bench.acquire();
      for (let i = 0; i < 5; i++) {
        bench.advance(20 * SECOND);
        expect(await bench.heartbeat(lease)).toBe("extended");
      }
      expect(await bench.claimed()).toBe("in-progress");
      expect((await bench.peek()).due).toBe(addMs(bench.now(), LEASE_MS));
    });

    test("a heartbeat sent again does no harm, and a shorter one shortens nothing", async () => {
      const bench = createBench(under());
      const lease = await bench.acquire({ leaseMs: HOUR });
      expect(await bench.heartbeat(lease, { leaseMs: SECOND })).toBe("extended");
      expect(await bench.heartbeat(lease, { leaseMs: SECOND })).toBe("extended");
      expect((await bench.peek()).due).toBe(lease.due);
    });

    test("a late heartbeat revives a lease that nobody took", async () => {
      const bench = createBench(under());
      const lease = await bench.acquire();
      bench.advance(HOUR);
      expect(await bench.heartbeat(lease)).toBe("extended");
      expect(await bench.claimed()).toBe("in-progress");
    });

    test("20 parallel heartbeats are all accepted", async () => {
      const bench = createBench(under());
      const lease = await bench.acquire();
      const answers = await Promise.all(Array.from({ length: 20 }, () => bench.heartbeat(lease)));
      expect(new Set(answers)).toEqual(new Set(["extended"]));
    });

    test("a heartbeat is refused after the end, after a takeover, and of what is not there", async () => {
      const [ended, taken] = [createBench(under()), createBench(under())];
      const lease = await ended.acquire();
      await ended.finish(lease, "complete");
      expect(await ended.heartbeat(lease)).toBe("INVALID_STATE");
      const lost = await taken.acquire();
      taken.moveTo(lost.due);
      await taken.acquire();
      expect(await taken.heartbeat(lost)).toBe("LEASE_SUPERSEDED");
      expect(await createBench(under()).heartbeat(lease)).toBe("RECORD_NOT_FOUND");
    });

    test("the longest execution cuts the first lease, every heartbeat and every reattach", async () => {
      const bench = createBench(under());
      const end = addMs(bench.now(), MINUTE);
      const lease = await bench.acquire({ policy: policyOf({ maxExecutionMs: MINUTE }), leaseMs: HOUR });
      expect(lease.due).toBe(end);
      bench.advance(59 * SECOND);
      expect(await bench.heartbeat(lease)).toBe("extended");
      expect((await bench.peek()).due).toBe(end);
      expect((await bench.acquire({ claimId: lease.claimId })).due).toBe(end + 1);
      bench.advance(SECOND + 1);
      expect(await bench.claimed()).toBe("acquired takeover");
    });

    test("a completion after the lease is accepted as long as nobody took over", async () => {
      const bench = createBench(under());
      const lease = await bench.acquire();
      bench.moveTo(lease.due);
      expect(await bench.finished(lease, "complete")).toBe("completed, late");
    });

    test.each(KINDS)("%s after a takeover is refused, and the newer result stands", async (kind) => {
      const bench = createBench(under());
      const lost = await bench.acquire();
      bench.moveTo(lost.due);
      const lease = await bench.acquire();
      expect(await bench.finished(lost, kind, { outcome: bytes("stale") })).toBe("LEASE_SUPERSEDED");
      expect(await bench.finished(lease, "complete", { outcome: bytes("newer") })).toBe("completed");
      expect(await bench.finished(lost, kind, { outcome: bytes("stale") })).toBe("LEASE_SUPERSEDED");
      expect((await bench.peek()).outcome).toEqual(bytes("newer"));
    });

    test("a takeover and a late end at the same instant: one of them wins, and the other knows", async () => {
      for (let round = 0; round < 20; round++) {
        const bench = createBench(under());
        const lease = await bench.acquire();
        bench.moveTo(lease.due);
        const calls = [() => bench.claimed(), () => bench.finished(lease, "complete")] as const;
        const words = await Promise.all((round % 2 === 0 ? calls : calls.toReversed()).map((call) => call()));
        const [claimed, ended] = round % 2 === 0 ? words : words.toReversed();
        expect([
          ["acquired takeover", "LEASE_SUPERSEDED"],
          ["completed", "completed, late"],
        ]).toContainEqual([claimed, ended]);
      }
    });

    test("only the record's own token and fence count", async () => {
      const bench = createBench(under());
      const lease = await bench.acquire();
      const forged = [
        [{ ...lease, token: freshToken() }, "LEASE_TOKEN_INVALID"],
        [{ ...lease, token: new Uint8Array(16) }, "LEASE_TOKEN_INVALID"],
        [{ ...lease, fence: lease.fence - 1n }, "LEASE_SUPERSEDED"],
        [{ ...lease, fence: lease.fence + 1n }, "LEASE_TOKEN_INVALID"],
        [{ ...lease, fence: 2n ** 63n - 1n }, "LEASE_TOKEN_INVALID"],
      ] as const;
      for (const [proof, expected] of forged) {
        expect(await bench.heartbeat(proof)).toBe(expected);
        for (const kind of KINDS) expect(await bench.finished(proof, kind)).toBe(expected);
      }
      expect(await bench.peek()).toEqual(lease.record);
    });

    test("an end without a record is told so", async () => {
      const lease = await createBench(under()).acquire();
      for (const kind of KINDS) expect(await createBench(under()).finished(lease, kind)).toBe("RECORD_NOT_FOUND");
    });

    test("checkpoint, progress and reference are kept; a lower sequence replaces nothing", async () => {
      const bench = createBench(under());
      const lease = await bench.acquire();
      const checkpoint = { sequence: 2n ** 62n, encoded: bytes("newest") };
      await bench.heartbeat(lease, { checkpoint, progress: bytes("half"), externalRef: "charge-1" });
      const checkpointTime = bench.now();
      bench.advance(1);
      await bench.heartbeat(lease, { checkpoint: { sequence: 7n, encoded: bytes("old") } });
      await bench.heartbeat(lease, { checkpoint: { ...checkpoint, encoded: bytes("the same sequence again") } });
      const kept = { checkpoint: bytes("newest"), checkpointSequence: 2n ** 62n, checkpointTime };
      expect(await bench.peek()).toMatchObject({ ...kept, progress: bytes("half"), externalRef: "charge-1" });
      bench.advance(HOUR);
      expect((await bench.acquire()).record).toMatchObject({ ...kept, progress: null, externalRef: null });
    });

    test("a give-back hits only the lease that it was granted with", async () => {
      const bench = createBench(under());
      const lease = await bench.acquire();
      const again = await bench.acquire({ claimId: lease.claimId });
      expect(await bench.finished(lease, "not-started", { onlyIfDue: lease.due })).toBe("INVALID_STATE");
      expect(await bench.finished(lease, "not-started", { onlyIfDue: again.due })).toBe("available");
      expect(await bench.peek()).toMatchObject({ state: "available", attempt: 0 });
    });

    test("a give-back misses an outcome that is unknown since that very instant", async () => {
      const bench = createBench(under());
      const lease = await bench.acquire();
      await bench.finish(lease, "outcome-unknown");
      const { due } = await bench.peek();
      expect(await bench.finished(lease, "not-started", { onlyIfDue: due })).toBe("INVALID_STATE");
    });

    test("a delay above the result retention is refused, and the lease kept", async () => {
      const bench = createBench(under());
      const lease = await bench.acquire({ policy: policyOf({ resultRetentionMs: MINUTE }) });
      expect(await bench.finished(lease, "retryable", { delayMs: MINUTE + 1 })).toBe("DURATION_OUT_OF_RANGE");
      expect(await bench.heartbeat(lease)).toBe("extended");
      expect(await bench.finished(lease, "retryable", { delayMs: MINUTE })).toBe("available");
    });
  });
}
