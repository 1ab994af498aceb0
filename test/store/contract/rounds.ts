import { describe, expect, test } from "vitest";
import { resetRecord } from "../../support/operating.ts";
import { DAY, LEASE_MS, MINUTE } from "../../support/records.ts";
import { createBench, policyOf } from "../bench.ts";
import type { StoreUnderTest } from "../contract.ts";

const NOTHING = { "outcome-unknown": 0, "lease-expired": 0, overdue: 0 };
const HOLD = policyOf({ hold: true });

export function rounds(under: () => StoreUnderTest): void {
  const bench = () => createBench(under());

  describe("a round over the open records", () => {
    test("of an empty store finds none", async () => {
      const { round } = await under().store.sweep(100);
      expect(round).toEqual({ open: 0, stuck: NOTHING, stuckMsMax: NOTHING });
    });

    test("counts those of all tenants, which are stuck, and for how long the longest has been", async () => {
      const open = bench();
      const tenant = createBench(under(), { ...open.key, tenant: "other" });
      await open.acquire({ policy: HOLD });
      open.advance(MINUTE);
      await bench().acquire({ policy: HOLD });
      await tenant.acquire();
      const overdue = bench();
      await overdue.finish(await overdue.acquire(), "retryable");
      const reported = bench();
      await reported.finish(await reported.acquire(), "outcome-unknown");
      const ended = bench();
      await ended.finish(await ended.acquire(), "complete");
      const unbound = bench();
      await unbound.acquire();
      await resetRecord(under().store, unbound.key, true);
      open.advance(LEASE_MS + MINUTE + 5_000);
      await bench().acquire();
      const { round } = await under().store.sweep(100);
      expect(round).toEqual({
        open: 7,
        stuck: { "outcome-unknown": 3, "lease-expired": 1, overdue: 1 },
        stuckMsMax: {
          "outcome-unknown": 2 * MINUTE + 5_000,
          "lease-expired": MINUTE + 5_000,
          overdue: LEASE_MS + MINUTE + 5_000,
        },
      });
    });

    test("leaves out what the same pass gives up or fails for good", async () => {
      const policy = policyOf({ resultRetentionMs: MINUTE });
      await bench().acquire({ policy });
      await bench().acquire({ policy: { ...policy, maxAttempts: 1 } });
      await bench().acquire({ leaseMs: 10 * DAY });
      bench().advance(DAY);
      const swept = await under().store.sweep(100);
      expect(swept).toMatchObject({ abandoned: 1, settled: 1, round: { open: 1, stuck: NOTHING } });
    });
  });
}
