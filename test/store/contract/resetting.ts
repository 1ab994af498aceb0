import { describe, expect, test } from "vitest";
import type { SeenState } from "../../../src/domain/record.ts";
import { OPERATOR } from "../../support/operating.ts";
import { bytes, DAY, HOUR } from "../../support/records.ts";
import { type Bench, createBench, policyOf } from "../bench.ts";
import type { StoreUnderTest } from "../contract.ts";

/** A record in each state that callers see, by the calls that lead there. */
const MADE: Readonly<Record<string, readonly [seen: SeenState, make: (bench: Bench) => Promise<unknown>]>> = {
  held: ["in-progress", (bench) => bench.acquire()],
  lapsed: ["in-progress", async (bench) => bench.moveTo((await bench.acquire()).due)],
  available: ["available", async (bench) => bench.finish(await bench.acquire(), "retryable")],
  completed: ["completed", async (bench) => bench.finish(await bench.acquire(), "complete")],
  "failed without an error": [
    "failed",
    async (bench) => bench.finish(await bench.acquire(), "terminal", { outcome: null }),
  ],
  unknown: ["outcome-unknown", async (bench) => bench.finish(await bench.acquire(), "outcome-unknown")],
  "lapsed under HOLD": [
    "outcome-unknown",
    async (bench) => bench.moveTo((await bench.acquire({ policy: policyOf({ hold: true }) })).due),
  ],
  expired: [
    "expired",
    async (bench) => {
      await bench.finish(await bench.acquire(), "complete");
      bench.advance(DAY);
    },
  ],
};

const STATES: readonly SeenState[] = ["in-progress", "available", "completed", "failed", "outcome-unknown", "expired"];

/** What a reset does that names the state in which its caller saw the record. */
export function resetting(under: () => StoreUnderTest): void {
  const reset = async (bench: Bench, fence: bigint, state: SeenState | null) => {
    const call = { ...OPERATOR, key: bench.key, fence, force: true, state };
    const answer = await under().store.reset(call, Number.POSITIVE_INFINITY);
    return answer.kind === "refused" ? answer.why : answer.kind;
  };

  describe("a reset that names a state", () => {
    test.each(Object.keys(MADE))("is made of a record that is seen in it, and of no other (%s)", async (name) => {
      const [seen, make] = MADE[name] ?? [];
      if (seen === undefined || make === undefined) throw new Error(`no record ${name}`);
      const bench = createBench(under());
      await make(bench);
      const before = await bench.peek();
      const { fence } = before.lease;
      for (const state of STATES.filter((other) => other !== seen)) {
        expect(await reset(bench, fence, state), state).toBe("changed");
      }
      expect(await bench.peek()).toEqual(before);
      expect(await reset(bench, fence, seen)).toBe("changed-record");
    });

    test("leaves a result that came since: no end raises the fence", async () => {
      const bench = createBench(under());
      const suspect = await bench.acquire({ policy: policyOf({ hold: true }) });
      bench.advance(HOUR);
      const { fence } = (await bench.peek()).lease;
      expect(await bench.finished(suspect, "complete", { outcome: bytes("paid") })).toBe("completed, late");
      expect(await reset(bench, fence, "outcome-unknown")).toBe("changed");
      expect(await bench.claim()).toMatchObject({ kind: "completed", record: { outcome: bytes("paid") } });
      expect(await reset(bench, fence, null), "whoever names none wants it so").toBe("changed-record");
    });

    test("leaves a record whose lease is over by now, or its result", async () => {
      const bench = createBench(under());
      const lease = await bench.acquire({ policy: policyOf({ hold: true }) });
      bench.moveTo(lease.due);
      expect(await reset(bench, lease.fence, "in-progress")).toBe("changed");
      await bench.finish(lease, "complete");
      const { due } = await bench.peek();
      bench.moveTo(due - 1_000);
      expect(await reset(bench, lease.fence, "expired")).toBe("changed");
      bench.moveTo(due);
      expect(await reset(bench, lease.fence, "completed")).toBe("changed");
      expect(await reset(bench, lease.fence, "expired")).toBe("changed-record");
    });
  });
}
