import { randomBytes } from "node:crypto";
import { describe, expect, test } from "vitest";
import { addMs } from "../../../src/domain/instant.ts";
import { bytes, DAY, HOUR, SECOND } from "../../support/records.ts";
import { tally } from "../../support/words.ts";
import { createBench } from "../bench.ts";
import type { StoreUnderTest } from "../contract.ts";

const MEBIBYTE = 1_048_576;

export function results(under: () => StoreUnderTest): void {
  describe("results", () => {
    test("a replay is byte-equal, whatever was done to the bytes sent or to those replayed", async () => {
      const bench = createBench(under());
      const lease = await bench.acquire();
      const sent = new Uint8Array(randomBytes(1_000));
      const kept = new Uint8Array(sent);
      await bench.finish(lease, "complete", { outcome: sent });
      sent.fill(0);
      for (let i = 0; i < 3; i++) {
        const replay = await bench.claim();
        if (replay.kind !== "completed") throw new Error(`not replayed: ${replay.kind}`);
        expect(replay.record.outcome).toEqual(kept);
        replay.record.outcome?.fill(0);
        replay.record.lease.token.fill(0);
      }
      expect((await bench.peek()).outcome).toEqual(kept);
      expect(await bench.finished(lease, "complete", { outcome: kept })).toBe("already applied");
    });

    test.each([
      ["empty", new Uint8Array()],
      ["one zero byte", new Uint8Array(1)],
      ["every byte", Uint8Array.from({ length: 256 }, (_, i) => i)],
      ["1 MiB", new Uint8Array(randomBytes(MEBIBYTE))],
    ])("a result of %s is a result", async (_, outcome) => {
      const bench = createBench(under());
      await bench.finish(await bench.acquire(), "complete", { outcome, digest: bytes("digest") });
      const replay = await bench.claim();
      if (replay.kind !== "completed") throw new Error(`not replayed: ${replay.kind}`);
      const { outcome: replayed } = replay.record;
      expect(replayed !== null && Buffer.compare(replayed, outcome) === 0).toBe(true);
    });

    test("replays write nothing", async () => {
      const bench = createBench(under());
      await bench.finish(await bench.acquire(), "complete");
      const before = await bench.peek();
      bench.advance(HOUR);
      for (const reuse of ["replay-all", "retry-failed"] as const) await bench.claim({ reuse });
      expect(await bench.peek()).toEqual(before);
    });

    test("the end says when it came and until when it is kept", async () => {
      const bench = createBench(under());
      const lease = await bench.acquire();
      bench.advance(SECOND);
      const due = addMs(bench.now(), DAY);
      expect(await bench.finish(lease, "complete")).toEqual({
        kind: "ended",
        state: "completed",
        due,
        alreadyApplied: false,
        late: false,
        hasWaiters: false,
        now: bench.now(),
      });
      const times = { endTime: bench.now(), due, forgetAt: addMs(due, DAY), reason: null };
      expect(await bench.peek()).toMatchObject({ state: "completed", ...times });
    });

    test("a completion repeated is already applied; with other bytes it is a conflict and changes nothing", async () => {
      const bench = createBench(under());
      const lease = await bench.acquire();
      await bench.finish(lease, "complete");
      const before = await bench.peek();
      expect(await bench.finished(lease, "complete")).toBe("already applied");
      expect(await bench.finished(lease, "complete", { outcome: bytes("other") })).toBe("RESULT_CONFLICT");
      for (const kind of ["terminal", "retryable", "not-started", "outcome-unknown"] as const) {
        expect(await bench.finished(lease, kind)).toBe("RESULT_CONFLICT");
      }
      expect(await bench.peek()).toEqual(before);
    });

    test("20 parallel completions with one content: one is accepted, the others already applied", async () => {
      const bench = createBench(under());
      const lease = await bench.acquire();
      const words = await Promise.all(Array.from({ length: 20 }, () => bench.finished(lease, "complete")));
      expect(tally(words)).toEqual({ "already applied": 19, completed: 1 });
    });

    test("20 parallel completions with different contents: one is accepted, the others conflict", async () => {
      const bench = createBench(under());
      const lease = await bench.acquire();
      const words = await Promise.all(
        Array.from({ length: 20 }, (_, i) => bench.finished(lease, "complete", { outcome: bytes(`${i}`) })),
      );
      expect(tally(words)).toEqual({ RESULT_CONFLICT: 19, completed: 1 });
    });

    test("a terminal failure is stored and replayed with its error", async () => {
      const bench = createBench(under());
      const lease = await bench.acquire();
      expect(await bench.finished(lease, "terminal", { outcome: bytes("the error") })).toBe("failed");
      expect(await bench.claim()).toMatchObject({
        kind: "failed",
        record: { outcome: bytes("the error"), reason: "reported", attempt: 1 },
      });
    });

    test("a failure may report no error", async () => {
      const bench = createBench(under());
      await bench.finish(await bench.acquire(), "terminal", { outcome: null });
      expect(await bench.claim()).toMatchObject({ kind: "failed", record: { outcome: null } });
    });

    test("an attempt that failed as retryable cannot complete any more", async () => {
      const bench = createBench(under());
      const lease = await bench.acquire();
      expect(await bench.finished(lease, "retryable")).toBe("available");
      expect(await bench.finished(lease, "retryable")).toBe("already applied");
      expect(await bench.finished(lease, "complete")).toBe("INVALID_STATE");
      expect(await bench.claimed()).toBe("acquired retry");
      expect(await bench.finished(lease, "retryable")).toBe("LEASE_SUPERSEDED");
    });
  });
}
