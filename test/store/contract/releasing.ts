import { describe, expect, test } from "vitest";
import { fenceOf, OPERATOR, releaseRecord } from "../../support/operating.ts";
import { bytes, DAY } from "../../support/records.ts";
import { type Bench, createBench, policyOf } from "../bench.ts";
import type { StoreUnderTest } from "../contract.ts";

const NEVER = Number.POSITIVE_INFINITY;

export function releasing(under: () => StoreUnderTest): void {
  /** Why not; null: it was made. */
  const releaseReason = async ({ key }: Bench) => {
    const { store } = under();
    const answer = await store.release({ ...OPERATOR, key, fence: await fenceOf(store, key) }, NEVER);
    return answer.kind === "refused" ? answer.why : null;
  };
  const release = (bench: Bench) => releaseRecord(under().store, bench.key);

  describe("a release", () => {
    test("under REACQUIRE makes the record claimable at once, and its holder superseded", async () => {
      const bench = createBench(under());
      const lease = await bench.acquire();
      expect(await release(bench)).toBe("available");
      expect(await bench.peek()).toMatchObject({ due: bench.now(), reason: null, suspect: null, endDigest: null });
      expect(await bench.heartbeat(lease)).toBe("LEASE_SUPERSEDED");
      expect(await bench.finished(lease, "complete")).toBe("LEASE_SUPERSEDED");
      expect(await bench.claimed({ claimId: lease.claimId })).toBe("CLAIM_ENDED");
      const next = await bench.acquire();
      expect(next.attempt).toBe(2);
      expect(next.fence).toBeGreaterThan(lease.fence + 1n);
    });

    test("under HOLD makes the outcome unknown; the holder's own end still counts", async () => {
      const bench = createBench(under());
      const lease = await bench.acquire({ policy: policyOf({ hold: true }) });
      expect(await release(bench)).toBe("outcome-unknown");
      expect(await bench.peek()).toMatchObject({
        due: bench.now(),
        reason: "lease-expired",
        suspect: { token: lease.token, fence: lease.fence },
      });
      expect(await bench.claimed()).toBe("outcome-unknown");
      expect(await bench.heartbeat(lease)).toBe("LEASE_SUPERSEDED");
      expect(await bench.finished(lease, "not-started")).toBe("LEASE_SUPERSEDED");
      expect(await bench.finished(lease, "complete")).toBe("completed, late");
    });

    test("of a reconciler leaves the outcome unknown, whatever the policy, and the suspect the suspect", async () => {
      const bench = createBench(under());
      const suspect = await bench.acquire();
      await bench.finish(suspect, "outcome-unknown");
      const reconciler = await bench.acquire({ intent: "reconcile" });
      expect(await release(bench)).toBe("outcome-unknown");
      expect(await bench.finished(reconciler, "not-started")).toBe("LEASE_SUPERSEDED");
      expect(await bench.finished(suspect, "complete")).toBe("completed, late");
    });

    test("takes nothing from the end of a lease on whose lapse has made the outcome unknown", async () => {
      const held = createBench(under());
      const suspect = await held.acquire({ policy: policyOf({ hold: true }) });
      held.moveTo(suspect.due);
      expect(await releaseReason(held)).toBe("state");
      expect(await held.peek()).toEqual(suspect.record);
      expect(await held.heartbeat(suspect)).toBe("extended");
      expect(await releaseReason(held)).toBeNull();

      const reconciled = createBench(under());
      await reconciled.finish(await reconciled.acquire(), "outcome-unknown");
      const reconciler = await reconciled.acquire({ intent: "reconcile" });
      reconciled.moveTo(reconciler.due);
      expect(await releaseReason(reconciled)).toBe("state");
      expect(await reconciled.peek()).toEqual(reconciler.record);
    });

    test("under REACQUIRE is made after the lease's end too, so that nobody revives it", async () => {
      const bench = createBench(under());
      const lease = await bench.acquire();
      bench.moveTo(lease.due);
      expect(await release(bench)).toBe("available");
      expect(await bench.heartbeat(lease)).toBe("LEASE_SUPERSEDED");
    });

    test("of the last attempt leaves a record that the next claim fails for good", async () => {
      const bench = createBench(under());
      await bench.acquire({ policy: policyOf({ maxAttempts: 1 }) });
      expect(await release(bench)).toBe("available");
      expect(await bench.claim()).toMatchObject({ kind: "failed", record: { reason: "max-attempts" } });
    });

    test("takes nothing from a record that is not in progress", async () => {
      const bench = createBench(under());
      expect(await release(bench)).toBeNull();
      const lease = await bench.acquire();
      await bench.finish(lease, "retryable");
      expect(await release(bench)).toBeNull();
      await bench.finish(await bench.acquire(), "complete");
      const before = await bench.peek();
      expect(await release(bench)).toBeNull();
      expect(await bench.peek()).toEqual(before);
    });
  });

  describe("a change that is refused", () => {
    test("shows the record as it was found, without what it holds, and touches nothing", async () => {
      const bench = createBench(under());
      const lease = await bench.acquire();
      await bench.heartbeat(lease, { checkpoint: { sequence: 1n, encoded: bytes("cp") } });
      await bench.finish(lease, "complete");
      const before = await bench.peek();
      const call = { ...OPERATOR, key: bench.key, force: true, verdict: { kind: "not-done" } } as const;
      const found = { kind: "refused", record: { ...before, outcome: null, checkpoint: null }, now: bench.now() };
      const { store } = under();
      for (const fence of [0n, lease.fence - 1n, lease.fence + 1n]) {
        const answers = [
          await store.release({ ...call, fence }, NEVER),
          await store.resolve({ ...call, fence }, NEVER),
          await store.reset({ ...call, fence }, NEVER),
        ];
        for (const answer of answers) expect(answer).toEqual({ ...found, why: "changed" });
      }
      expect(await store.release({ ...call, fence: lease.fence }, NEVER)).toEqual({ ...found, why: "state" });
      expect(await bench.peek()).toEqual(before);
    });

    test("shows none where there is none, or none that is remembered", async () => {
      const bench = createBench(under());
      const { store } = under();
      const release = (fence: bigint) => store.release({ ...OPERATOR, key: bench.key, fence }, NEVER);
      expect(await release(0n)).toMatchObject({ why: "absent", record: null });
      const lease = await bench.acquire();
      await bench.finish(lease, "complete");
      bench.advance(2 * DAY);
      expect(await release(lease.fence)).toMatchObject({ why: "absent", record: null });
    });
  });
}
