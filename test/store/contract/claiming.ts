import { randomUUID } from "node:crypto";
import { describe, expect, test } from "vitest";
import { addMs } from "../../../src/domain/instant.ts";
import { bytes, fingerprintOf, HOUR, LEASE_MS, SECOND } from "../../support/records.ts";
import { claimWords, tally } from "../../support/words.ts";
import { createBench, policyOf } from "../bench.ts";
import type { StoreUnderTest } from "../contract.ts";

export function claiming(under: () => StoreUnderTest): void {
  describe("claiming", () => {
    test("a first claim is stored as it was made", async () => {
      const bench = createBench(under());
      const policy = policyOf({ hold: true, maxAttempts: 3, maxExecutionMs: HOUR, tombstoneRetentionMs: 0 });
      const lease = await bench.acquire({ policy, externalRef: "ref-1", evidence: bytes("who") });
      expect(lease.record).toEqual({
        key: bench.key,
        state: "in-progress",
        due: addMs(bench.now(), LEASE_MS),
        forgetAt: Number.POSITIVE_INFINITY,
        hasWaiters: false,
        attempt: 1,
        lease: { token: lease.token, fence: lease.fence },
        claimId: lease.claimId,
        suspect: null,
        fingerprint: fingerprintOf("payload"),
        policy,
        createTime: bench.now(),
        attemptStartTime: bench.now(),
        endTime: null,
        reason: null,
        endDigest: null,
        outcome: null,
        checkpoint: null,
        checkpointSequence: 0n,
        checkpointTime: null,
        evidence: bytes("who"),
        externalRef: "ref-1",
        progress: null,
      });
      expect(await bench.peek()).toEqual(lease.record);
    });

    test("of 50 parallel claims one is acquired, 49 are in progress, and all later get the one result", async () => {
      const bench = createBench(under());
      const answers = await Promise.all(Array.from({ length: 50 }, () => bench.claim()));
      expect(tally(answers.map(claimWords))).toEqual({ "acquired new": 1, "in-progress": 49 });
      const [winner] = answers.filter((answer) => answer.kind === "acquired");
      if (winner?.kind !== "acquired") throw new Error("bug: nobody won");
      await bench.finish(winner.record.lease, "complete", { outcome: bytes("the one result") });
      const replays = await Promise.all(Array.from({ length: 50 }, () => bench.claim()));
      for (const replay of replays) {
        expect(replay).toMatchObject({ kind: "completed", record: { outcome: bytes("the one result"), attempt: 1 } });
      }
    });

    test("50 parallel claims with one claim_id get one lease", async () => {
      const bench = createBench(under());
      const claimId = randomUUID();
      const leases = await Promise.all(Array.from({ length: 50 }, () => bench.acquire({ claimId })));
      expect(new Set(leases.map(({ token }) => Buffer.from(token).toString("hex"))).size).toBe(1);
      expect(new Set(leases.map(({ fence, attempt }) => `${fence} ${attempt}`)).size).toBe(1);
    });

    test("of 20 parallel claims after a lapse one takes over", async () => {
      const bench = createBench(under());
      const lease = await bench.acquire();
      bench.moveTo(lease.due);
      const words = await Promise.all(Array.from({ length: 20 }, () => bench.claimed()));
      expect(tally(words)).toEqual({ "acquired takeover": 1, "in-progress": 19 });
    });

    test("a crash between claim and complete is over with the lease, exactly, and not before", async () => {
      const bench = createBench(under());
      const lease = await bench.acquire();
      bench.moveTo(addMs(lease.due, -1));
      expect(await bench.claimed()).toBe("in-progress");
      bench.moveTo(lease.due);
      const next = await bench.acquire();
      expect(next.attempt).toBe(2);
      expect(next.fence).toBeGreaterThan(lease.fence);
    });

    test("a claim whose answer was lost gets the same lease again, renewed, also when it had lapsed", async () => {
      const bench = createBench(under());
      const lease = await bench.acquire();
      for (const ms of [SECOND, 2 * LEASE_MS]) {
        bench.advance(ms);
        const answer = await bench.claim({ claimId: lease.claimId });
        expect(answer).toMatchObject({
          kind: "acquired",
          reason: "reattached",
          record: {
            lease: { token: lease.token, fence: lease.fence },
            attempt: 1,
            due: addMs(bench.now(), LEASE_MS),
            attemptStartTime: lease.record.attemptStartTime,
          },
        });
      }
    });

    test("a reattach always moves the lease's end, and never back", async () => {
      const bench = createBench(under());
      const lease = await bench.acquire({ leaseMs: HOUR });
      const again = await bench.acquire({ claimId: lease.claimId, leaseMs: SECOND });
      expect(again.due).toBe(lease.due + 1);
      expect((await bench.acquire({ claimId: lease.claimId, leaseMs: SECOND })).due).toBe(lease.due + 2);
    });

    test("the claim_id of an attempt that was taken over is a stranger's", async () => {
      const bench = createBench(under());
      const lease = await bench.acquire();
      bench.moveTo(lease.due);
      await bench.acquire();
      expect(await bench.claimed({ claimId: lease.claimId })).toBe("in-progress");
    });

    test("a claim_id whose attempt has ended without a result is told so; another one may retry", async () => {
      const bench = createBench(under());
      const lease = await bench.acquire();
      await bench.finish(lease, "retryable");
      expect(await bench.claimed({ claimId: lease.claimId })).toBe("CLAIM_ENDED");
      expect(await bench.claimed()).toBe("acquired retry");
    });

    test("an attempt that failed with a delay is scheduled until exactly its due time", async () => {
      const bench = createBench(under());
      const lease = await bench.acquire();
      await bench.finish(lease, "retryable", { delayMs: 5 * SECOND, outcome: bytes("the error") });
      const due = addMs(bench.now(), 5 * SECOND);
      bench.moveTo(addMs(due, -1));
      expect(await bench.claim()).toMatchObject({
        kind: "retry-scheduled",
        record: { due, outcome: bytes("the error") },
      });
      bench.moveTo(due);
      expect((await bench.acquire()).record).toMatchObject({ attempt: 2, outcome: bytes("the error") });
    });

    test("reuse REJECT acquires what is absent and refuses whatever exists, but for its own", async () => {
      const bench = createBench(under());
      const lease = await bench.acquire({ reuse: "reject" });
      expect(await bench.claimed({ reuse: "reject", claimId: lease.claimId })).toBe("acquired reattached");
      expect(await bench.claimed({ reuse: "reject" })).toBe("RECORD_EXISTS");
      bench.moveTo(addMs(bench.now(), 2 * LEASE_MS));
      expect(await bench.claimed({ reuse: "reject" })).toBe("RECORD_EXISTS");
      await bench.finish(lease, "complete");
      expect(await bench.claimed({ reuse: "reject" })).toBe("RECORD_EXISTS");
      expect(await bench.claimed({ reuse: "reject", claimId: lease.claimId })).toBe("completed");
    });

    test("reuse RETRY_FAILED runs a failed record again, and a completed one never", async () => {
      const [failed, completed] = [createBench(under()), createBench(under())];
      const first = await failed.acquire();
      await failed.finish(first, "terminal");
      expect(await failed.claimed({ reuse: "retry-failed", mayAcquire: "nothing" })).toBe("refused");
      expect(await failed.claimed()).toBe("failed");
      expect(await failed.claimed({ reuse: "retry-failed", claimId: first.claimId })).toBe("failed");
      const again = await failed.acquire({ reuse: "retry-failed" });
      expect(again.record).toMatchObject({ attempt: 2, endTime: null, forgetAt: Number.POSITIVE_INFINITY });
      await completed.finish(await completed.acquire(), "complete");
      expect(await completed.claimed({ reuse: "retry-failed" })).toBe("completed");
    });

    test("the policy is the first claim's, and a later one is told when its own differs", async () => {
      const bench = createBench(under());
      const policy = policyOf({ maxAttempts: 9 });
      await bench.acquire({ policy });
      expect(await bench.claim({ policy })).toMatchObject({ kind: "in-progress", policyDiffers: false });
      expect(await bench.claim()).toMatchObject({ kind: "in-progress", policyDiffers: true, record: { policy } });
    });

    test("who may not acquire still gets results and its own lease, and leaves nothing behind", async () => {
      const bench = createBench(under());
      expect(await bench.claimed({ mayAcquire: "nothing" })).toBe("refused");
      expect(await bench.find()).toBeNull();
      const lease = await bench.acquire();
      expect(await bench.claimed({ mayAcquire: "nothing" })).toBe("in-progress");
      expect(await bench.claimed({ mayAcquire: "nothing", claimId: lease.claimId })).toBe("acquired reattached");
      bench.advance(2 * LEASE_MS);
      const lapsed = await bench.peek();
      expect(await bench.claimed({ mayAcquire: "nothing" })).toBe("refused");
      expect(await bench.peek()).toEqual(lapsed);
      await bench.finish(lease, "complete");
      expect(await bench.claimed({ mayAcquire: "nothing" })).toBe("completed");
    });

    test("200 parallel claims of 200 records get an answer each, their own", async () => {
      const benches = Array.from({ length: 200 }, () => createBench(under()));
      const held = await Promise.all(
        benches.map(async (bench, i) => [bench, await bench.acquire({ evidence: bytes(`evidence ${i}`) })] as const),
      );
      await Promise.all(
        held.map(([bench, lease], i) => bench.finish(lease, "complete", { outcome: bytes(`result ${i}`) })),
      );
      const replays = await Promise.all(benches.map((bench) => bench.claim()));
      for (const [i, replay] of replays.entries()) {
        expect(replay).toMatchObject({
          kind: "completed",
          record: { key: benches[i]?.key, evidence: bytes(`evidence ${i}`), outcome: bytes(`result ${i}`) },
        });
      }
    });
  });
}
