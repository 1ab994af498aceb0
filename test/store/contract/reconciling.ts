import { describe, expect, test } from "vitest";
import { addMs } from "../../../src/domain/instant.ts";
import type { Policy } from "../../../src/domain/record.ts";
import { bytes, HOUR, LEASE_MS, NO_FINGERPRINT, SECOND } from "../../support/records.ts";
import { tally } from "../../support/words.ts";
import { type Bench, createBench, type Lease, policyOf } from "../bench.ts";
import type { StoreUnderTest } from "../contract.ts";

const HOLD: Policy = policyOf({ hold: true });
const reconcile = { intent: "reconcile", fingerprint: NO_FINGERPRINT } as const;

/** A record whose holder vanished under HOLD, at the instant at which its lease is over. */
async function lapsed(bench: Bench, policy = HOLD): Promise<Lease> {
  const lease = await bench.acquire({ policy });
  bench.moveTo(lease.due);
  return lease;
}

export function reconciling(under: () => StoreUnderTest): void {
  describe("reconciling", () => {
    test("a lapse under HOLD makes the outcome unknown, exactly at the lease's end, and nobody executes again", async () => {
      const bench = createBench(under());
      const lease = await bench.acquire({ policy: HOLD });
      bench.moveTo(addMs(lease.due, -1));
      expect(await bench.claimed()).toBe("in-progress");
      expect(await bench.claimed(reconcile)).toBe("in-progress");
      bench.moveTo(lease.due);
      for (const reuse of ["replay-all", "retry-failed"] as const) {
        expect(await bench.claimed({ reuse })).toBe("outcome-unknown");
      }
      bench.advance(100 * HOUR);
      expect(await bench.claimed()).toBe("outcome-unknown");
      expect(await bench.claimed(reconcile)).toBe("acquired reconcile");
    });

    test("a reconciler acquires unknown outcomes and nothing else", async () => {
      expect(await createBench(under()).claimed(reconcile)).toBe("RECORD_NOT_FOUND");
      const live = createBench(under());
      const lease = await live.acquire();
      expect(await live.claimed(reconcile)).toBe("in-progress");
      live.moveTo(lease.due);
      expect(await live.claimed(reconcile)).toBe("in-progress");
      await live.finish(lease, "not-started");
      expect(await live.claimed(reconcile)).toBe("INVALID_STATE");
      await live.finish(await live.acquire(), "complete");
      expect(await live.claimed(reconcile)).toBe("completed");
      expect(await live.claimed({ ...reconcile, reuse: "reject" })).toBe("RECORD_EXISTS");
    });

    test("a reconciler finds what the suspect left behind, and counts no attempt", async () => {
      const bench = createBench(under());
      const suspect = await bench.acquire({ evidence: bytes("the suspect"), externalRef: "charge-1" });
      const checkpoint = { sequence: 3n, encoded: bytes("cp") };
      await bench.heartbeat(suspect, { checkpoint, progress: bytes("half") });
      await bench.finish(suspect, "outcome-unknown", { outcome: bytes("timed out") });
      const before = await bench.peek();
      bench.advance(SECOND);
      expect(await bench.claim({ policy: HOLD })).toMatchObject({ kind: "outcome-unknown", policyDiffers: true });
      const { record, fence } = await bench.acquire(reconcile);
      expect(record).toEqual({
        ...before,
        state: "in-progress",
        due: addMs(bench.now(), LEASE_MS),
        lease: record.lease,
        claimId: record.claimId,
        suspect: { token: suspect.token, fence: suspect.fence },
        attemptStartTime: bench.now(),
      });
      expect(fence).toBeGreaterThan(suspect.fence);
      expect(await bench.peek()).toEqual(record);
    });

    test("of 20 parallel reconcilers one acquires", async () => {
      const bench = createBench(under());
      await lapsed(bench);
      const words = await Promise.all(Array.from({ length: 20 }, () => bench.claimed(reconcile)));
      expect(tally(words)).toEqual({ "acquired reconcile": 1, "in-progress": 19 });
    });

    test("a reconciler's claim whose answer was lost gets the same lease, and only with the same intent", async () => {
      const bench = createBench(under());
      await lapsed(bench);
      const reconciler = await bench.acquire(reconcile);
      for (const ms of [SECOND, 2 * LEASE_MS]) {
        bench.advance(ms);
        const again = await bench.acquire({ ...reconcile, claimId: reconciler.claimId });
        expect([again.fence, again.token]).toEqual([reconciler.fence, reconciler.token]);
      }
      expect(await bench.claimed({ claimId: reconciler.claimId })).toBe("CLAIM_ENDED");
      await bench.finish(reconciler, "outcome-unknown");
      expect(await bench.claimed({ ...reconcile, claimId: reconciler.claimId })).toBe("CLAIM_ENDED");
      expect(await bench.claimed({ claimId: reconciler.claimId })).toBe("outcome-unknown");
    });

    test("the suspect's own claim_id is a stranger's while a reconciler looks", async () => {
      const bench = createBench(under());
      const suspect = await lapsed(bench);
      await bench.acquire(reconcile);
      expect(await bench.claimed({ claimId: suspect.claimId })).toBe("in-progress");
    });

    test.each([
      ["complete", "completed", 1],
      ["terminal", "failed", 1],
      ["not-started", "available", 0],
      ["retryable", "available", 1],
    ] as const)("the verdict %s stands, and kills the suspect's token", async (kind, state, attempt) => {
      const bench = createBench(under());
      const suspect = await lapsed(bench);
      const reconciler = await bench.acquire(reconcile);
      expect(await bench.finished(reconciler, kind)).toBe(state);
      expect(await bench.peek()).toMatchObject({ state, attempt, suspect: null });
      expect(await bench.finished(suspect, "complete")).toBe("LEASE_SUPERSEDED");
      expect(await bench.finished(reconciler, kind)).toBe("already applied");
    });

    test("the verdict 'still unknown' returns the record to unknown, with its suspect, whatever the policy", async () => {
      for (const hold of [true, false]) {
        const bench = createBench(under());
        const suspect = await bench.acquire({ policy: policyOf({ hold }) });
        await bench.finish(suspect, "outcome-unknown");
        await bench.finish(await bench.acquire(reconcile), "outcome-unknown");
        expect(await bench.claimed()).toBe("outcome-unknown");
        expect(await bench.finished(suspect, "complete")).toBe("completed, late");
      }
    });

    test("a reconciler that dies leaves the outcome unknown, whatever the policy, to the next one", async () => {
      for (const hold of [true, false]) {
        const bench = createBench(under());
        const suspect = await bench.acquire({ policy: policyOf({ hold }) });
        await bench.finish(suspect, "outcome-unknown");
        const dead = await bench.acquire(reconcile);
        bench.moveTo(dead.due);
        expect(await bench.claimed()).toBe("outcome-unknown");
        const next = await bench.acquire(reconcile);
        expect(next.record.suspect).toEqual({ token: suspect.token, fence: suspect.fence });
        expect(await bench.heartbeat(dead)).toBe("LEASE_SUPERSEDED");
        expect(await bench.finished(next, "not-started")).toBe("available");
      }
    });

    test.each(["complete", "terminal"] as const)(
      "the suspect's %s ends the record before the reconciler",
      async (kind) => {
        const bench = createBench(under());
        const suspect = await lapsed(bench);
        const reconciler = await bench.acquire(reconcile);
        const state = kind === "complete" ? "completed" : "failed";
        expect(await bench.finished(suspect, kind, { outcome: bytes("mine") })).toBe(`${state}, late`);
        expect(await bench.heartbeat(reconciler)).toBe("LEASE_SUPERSEDED");
        for (const verdict of ["not-started", "retryable", "outcome-unknown", "terminal"] as const) {
          expect(await bench.finished(reconciler, verdict)).toBe("LEASE_SUPERSEDED");
        }
        expect(await bench.finished(suspect, kind, { outcome: bytes("mine") })).toBe("already applied");
        expect(await bench.finished(reconciler, kind, { outcome: bytes("mine") })).toBe("already applied");
        expect(await bench.finished(suspect, kind, { outcome: bytes("other") })).toBe("RESULT_CONFLICT");
        expect(await bench.claim()).toMatchObject({ kind: state, record: { outcome: bytes("mine") } });
      },
    );

    test("nothing else that the suspect says counts while a reconciler looks", async () => {
      const bench = createBench(under());
      const suspect = await lapsed(bench);
      const { record } = await bench.acquire(reconcile);
      expect(await bench.heartbeat(suspect)).toBe("LEASE_SUPERSEDED");
      for (const kind of ["retryable", "not-started", "outcome-unknown"] as const) {
        expect(await bench.finished(suspect, kind)).toBe("LEASE_SUPERSEDED");
      }
      expect(await bench.peek()).toEqual(record);
    });

    test("the suspect's completion and the reconciler's verdict at once: one of them wins, and the other knows", async () => {
      for (let round = 0; round < 20; round++) {
        const bench = createBench(under());
        const suspect = await lapsed(bench);
        const reconciler = await bench.acquire(reconcile);
        const [mine, verdict] = await Promise.all([
          bench.finished(suspect, "complete"),
          bench.finished(reconciler, "not-started"),
        ]);
        expect([
          ["completed, late", "LEASE_SUPERSEDED"],
          ["LEASE_SUPERSEDED", "available"],
        ]).toContainEqual([mine, verdict]);
      }
    });

    test("who reported the outcome unknown may still say how it ended", async () => {
      for (const [kind, expected] of [
        ["complete", "completed, late"],
        ["terminal", "failed, late"],
        ["not-started", "available, late"],
      ] as const) {
        const bench = createBench(under());
        const lease = await bench.acquire();
        expect(await bench.finished(lease, "outcome-unknown", { outcome: bytes("timed out") })).toBe("outcome-unknown");
        expect(await bench.claim()).toMatchObject({
          kind: "outcome-unknown",
          record: { reason: "reported", due: bench.now(), outcome: bytes("timed out") },
        });
        expect(await bench.claimed({ claimId: lease.claimId })).toBe("outcome-unknown");
        expect(await bench.heartbeat(lease)).toBe("INVALID_STATE");
        expect(await bench.finished(lease, kind)).toBe(expected);
      }
    });

    test("a reconciler carries no policy that could differ", async () => {
      const bench = createBench(under());
      await lapsed(bench);
      expect(await bench.claim(reconcile)).toMatchObject({ kind: "acquired", policyDiffers: false });
      expect(await bench.claim(reconcile)).toMatchObject({ kind: "in-progress", policyDiffers: false });
    });

    test("who may not acquire may not reconcile", async () => {
      const bench = createBench(under());
      await lapsed(bench);
      expect(await bench.claimed({ ...reconcile, mayAcquire: "nothing" })).toBe("refused");
      expect(await bench.claimed({ mayAcquire: "nothing" })).toBe("outcome-unknown");
    });
  });
}
