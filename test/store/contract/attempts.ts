import { describe, expect, test } from "vitest";
import { addMs } from "../../../src/domain/instant.ts";
import { bytes, DAY } from "../../support/records.ts";
import { tally } from "../../support/words.ts";
import { createBench, policyOf } from "../bench.ts";
import type { StoreUnderTest } from "../contract.ts";

export function attempts(under: () => StoreUnderTest): void {
  describe("attempts", () => {
    const twice = { policy: policyOf({ maxAttempts: 2 }) };

    test("are counted by retries and takeovers up to the limit, and then the record is failed for good", async () => {
      const bench = createBench(under());
      await bench.finish(await bench.acquire(twice), "retryable", { outcome: bytes("error 1") });
      const last = await bench.acquire(twice);
      expect(last.attempt).toBe(2);
      bench.moveTo(last.due);
      const answer = await bench.claim(twice);
      expect(answer).toMatchObject({
        kind: "failed",
        record: {
          state: "failed",
          reason: "max-attempts",
          attempt: 2,
          outcome: bytes("error 1"),
          endTime: bench.now(),
          due: addMs(bench.now(), DAY),
          forgetAt: addMs(bench.now(), 2 * DAY),
        },
      });
      expect(await bench.peek()).toEqual("record" in answer ? answer.record : null);
      expect(await bench.claimed({ ...twice, reuse: "retry-failed" })).toBe("failed");
      expect(await bench.finished(last, "complete")).toBe("RESULT_CONFLICT");
    });

    test("of the last one a retryable failure is final, with its own error", async () => {
      const bench = createBench(under());
      await bench.finish(await bench.acquire(twice), "retryable");
      const last = await bench.acquire(twice);
      expect(await bench.finished(last, "retryable", { outcome: bytes("error 2") })).toBe("failed");
      expect(await bench.claim(twice)).toMatchObject({
        kind: "failed",
        record: { reason: "max-attempts", outcome: bytes("error 2") },
      });
      expect(await bench.finished(last, "retryable", { outcome: bytes("error 2") })).toBe("already applied");
    });

    test("that were not started do not count", async () => {
      const bench = createBench(under());
      for (let i = 0; i < 4; i++) {
        const lease = await bench.acquire({ policy: policyOf({ maxAttempts: 1 }) });
        expect(lease.attempt).toBe(1);
        expect(await bench.finished(lease, "not-started")).toBe("available");
      }
    });

    test("of the last one a completion is accepted late, until the failure is stored", async () => {
      const bench = createBench(under());
      const lease = await bench.acquire({ policy: policyOf({ maxAttempts: 1 }) });
      bench.moveTo(lease.due);
      expect(await bench.finished(lease, "complete")).toBe("completed, late");
    });

    test("used up are settled once by 10 parallel claims", async () => {
      const bench = createBench(under());
      const lease = await bench.acquire({ policy: policyOf({ maxAttempts: 1 }) });
      bench.moveTo(lease.due);
      const answers = await Promise.all(Array.from({ length: 10 }, () => bench.claim()));
      expect(tally(answers.map(({ kind }) => kind))).toEqual({ failed: 10 });
      expect(await bench.peek()).toMatchObject({ reason: "max-attempts", endTime: bench.now() });
    });
  });
}
