import { expect, test } from "vitest";
import { ATTEMPTS_MAX, DEFAULTS, DURATIONS, RETRY_AFTER_MS_MAX, SIZES } from "../../../src/domain/limits.ts";
import { DAY, HOUR, MINUTE, SECOND } from "../../support/records.ts";

test("every duration has the bounds of the contract", () => {
  expect(DURATIONS).toEqual({
    lease: { minMs: SECOND, maxMs: HOUR },
    wait: { minMs: 0, maxMs: MINUTE },
    maxExecution: { minMs: SECOND, maxMs: 7 * DAY },
    resultRetention: { minMs: MINUTE, maxMs: 90 * DAY },
    tombstoneRetention: { minMs: 0, maxMs: 3650 * DAY },
    delay: { minMs: 0, maxMs: 90 * DAY },
    waitForTimeout: { minMs: SECOND, maxMs: 10 * MINUTE },
    keepAliveInterval: { minMs: 5 * SECOND, maxMs: 30 * SECOND },
  });
});

test("who says nothing gets the defaults of the contract", () => {
  expect(DEFAULTS).toEqual({
    ...{ leaseMs: 30_000, maxAttempts: 0, resultRetentionMs: 86_400_000, tombstoneRetentionMs: 86_400_000 },
    ...{ waitForTimeoutMs: 60_000, keepAliveIntervalMs: 15_000 },
  });
});

test("what is counted and measured has the bounds of the contract", () => {
  expect(ATTEMPTS_MAX).toBe(1000);
  expect(RETRY_AFTER_MS_MAX).toBe(30_000);
  const { resultInlineBytesMax, checkpointBytesMax, errorBytesMax, metadataBytesMax, messageBytesMax } = SIZES;
  expect([resultInlineBytesMax, checkpointBytesMax, errorBytesMax]).toEqual([1_048_576, 65_536, 16_384]);
  expect([metadataBytesMax, messageBytesMax]).toEqual([4096, 1_310_720]);
});
