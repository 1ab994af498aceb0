import { describe, expect, test } from "vitest";
import { DAY, fingerprintOf, LEASE_MS, NO_FINGERPRINT } from "../../support/records.ts";
import { type Bench, createBench, policyOf } from "../bench.ts";
import type { StoreUnderTest } from "../contract.ts";

/** How a record comes into each state that it can be in. */
const STATES: Readonly<Record<string, (bench: Bench) => Promise<unknown>>> = {
  "in progress": (bench) => bench.acquire(),
  lapsed: async (bench) => bench.moveTo((await bench.acquire()).due),
  "lapsed under HOLD": async (bench) => bench.moveTo((await bench.acquire({ policy: policyOf({ hold: true }) })).due),
  available: async (bench) => bench.finish(await bench.acquire(), "retryable"),
  "available later": async (bench) => bench.finish(await bench.acquire(), "not-started", { delayMs: LEASE_MS }),
  completed: async (bench) => bench.finish(await bench.acquire(), "complete"),
  failed: async (bench) => bench.finish(await bench.acquire(), "terminal"),
  "outcome unknown": async (bench) => bench.finish(await bench.acquire(), "outcome-unknown"),
  expired: async (bench) => {
    await bench.finish(await bench.acquire(), "complete");
    bench.advance(DAY);
  },
};

export function payloads(under: () => StoreUnderTest): void {
  describe("another payload under the same key", () => {
    test.each(Object.entries(STATES))("is a mismatch while the record is %s, and changes nothing", async (_, enter) => {
      const bench = createBench(under());
      await enter(bench);
      const before = await bench.peek();
      const other = { fingerprint: fingerprintOf("another payload") };
      const calls = [other, { fingerprint: NO_FINGERPRINT }, { ...other, claimId: before.claimId }];
      for (const call of [...calls, { ...other, intent: "reconcile" }, { ...other, reuse: "retry-failed" }] as const) {
        expect(await bench.claimed(call)).toBe("FINGERPRINT_MISMATCH");
      }
      expect(await bench.peek()).toEqual(before);
    });

    test("is acquired once the tombstone is gone", async () => {
      const bench = createBench(under());
      await bench.finish(await bench.acquire(), "complete");
      bench.advance(2 * DAY);
      expect(await bench.claimed({ fingerprint: fingerprintOf("another payload") })).toBe("acquired new");
      expect(await bench.claimed()).toBe("FINGERPRINT_MISMATCH");
    });

    test("is told from none: no payload matches only no payload", async () => {
      const bench = createBench(under());
      await bench.acquire({ fingerprint: NO_FINGERPRINT });
      expect(await bench.claimed({ fingerprint: NO_FINGERPRINT })).toBe("in-progress");
      expect(await bench.claimed()).toBe("FINGERPRINT_MISMATCH");
    });

    test("is not the same payload under another label", async () => {
      const bench = createBench(under());
      await bench.acquire();
      expect(await bench.claimed({ fingerprint: { ...fingerprintOf("payload"), algorithm: "" } })).toBe("in-progress");
    });
  });
}
