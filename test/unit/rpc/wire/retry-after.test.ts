import fc from "fast-check";
import { expect, test } from "vitest";
import { retryAfterDueMs, retryAfterLeaseMs } from "../../../../src/rpc/wire/retry-after.ts";

const random = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });

test("a holder's lease is asked about when it is over, not just before, and within 30 s", () => {
  fc.assert(
    fc.property(fc.double({ min: 0.001, max: 3_600_000, noNaN: true }), random, (remainingMs, r) => {
      const ms = retryAfterLeaseMs(remainingMs, r);
      expect(Number.isInteger(ms)).toBe(true);
      expect(ms).toBeLessThanOrEqual(30_000);
      expect(ms).toBeGreaterThanOrEqual(Math.max(20, Math.min(remainingMs, 27_000)));
    }),
  );
});

test("a lapsed lease that nobody gave up is asked about in a second or so", () => {
  expect(retryAfterLeaseMs(-5, 0)).toBe(1000);
  expect(retryAfterLeaseMs(0, 0.999)).toBe(1100);
});

test("a due time is asked about once it has come, at most 3 s later", () => {
  fc.assert(
    fc.property(fc.double({ min: 0, max: 7_776_000_000, noNaN: true }), random, (untilDueMs, r) => {
      const ms = retryAfterDueMs(untilDueMs, r);
      expect(Number.isInteger(ms)).toBe(true);
      expect(ms).toBeGreaterThanOrEqual(Math.max(20, untilDueMs));
      expect(ms).toBeLessThanOrEqual(Math.max(20, Math.ceil(untilDueMs + 3000)));
    }),
  );
});

test("callers of one key do not come back as one", () => {
  expect(retryAfterLeaseMs(10_000, 0.1)).not.toBe(retryAfterLeaseMs(10_000, 0.9));
  expect(retryAfterLeaseMs(3_600_000, 0.1)).not.toBe(retryAfterLeaseMs(3_600_000, 0.9));
  expect(retryAfterDueMs(10_000, 0.1)).not.toBe(retryAfterDueMs(10_000, 0.9));
});
