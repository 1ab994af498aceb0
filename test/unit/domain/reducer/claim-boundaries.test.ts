import { describe, expect, test } from "vitest";
import { addMs, type Instant } from "../../../../src/domain/instant.ts";
import type { StoredRecord } from "../../../../src/domain/record.ts";
import { decideClaim, nextFence } from "../../../../src/domain/reducer/claim.ts";
import { claimOf, DAY, HOLDER, HOUR, NOW, recordOf } from "../../../support/records.ts";
import { stateNamed } from "./states.ts";

describe("boundaries are inclusive: what is due is due", () => {
  const claimAt = (instant: Instant, state: string, change: Partial<StoredRecord>) =>
    decideClaim(recordOf({ ...stateNamed(state), ...change }), claimOf(), instant, 0n).answer;

  test.each([
    ["a lease", "live", { due: NOW }, "in-progress", "acquired"],
    ["a lease under HOLD", "lapsed under HOLD", { due: NOW }, "in-progress", "outcome-unknown"],
    ["the last lease", "lapsed, last attempt", { due: NOW }, "in-progress", "failed"],
    ["a reconciler's lease", "reconciling", { due: NOW }, "in-progress", "outcome-unknown"],
    ["a due time", "available", { due: NOW }, "retry-scheduled", "acquired"],
    ["a result", "completed", { due: NOW }, "completed", "expired"],
    ["an error", "failed", { due: NOW }, "failed", "expired"],
    ["a tombstone", "completed, expired", { forgetAt: NOW }, "expired", "acquired"],
  ] as const)("%s", (_, state, change, before, exactly) => {
    expect(claimAt(NOW - 1, state, change).kind).toBe(before);
    expect(claimAt(NOW, state, change).kind).toBe(exactly);
  });

  test("a result that a clock ahead of this one has emptied is expired, to its own claim too", () => {
    const emptied = { outcome: null, due: addMs(NOW, HOUR) };
    expect(claimAt(NOW, "completed", emptied).kind).toBe("expired");
    expect(claimAt(NOW, "completed", { ...emptied, claimId: claimOf().claimId }).kind).toBe("expired");
    expect(claimAt(NOW, "failed", emptied).kind).toBe("failed");
  });

  test("without a tombstone a record goes from its result to absent in one instant", () => {
    const change = { due: NOW, forgetAt: NOW };
    expect(claimAt(NOW - 1, "completed", change).kind).toBe("completed");
    expect(claimAt(NOW, "completed", change)).toMatchObject({ kind: "acquired", reason: "new" });
  });
});

describe("the fence", () => {
  const fenceAfter = (stored: StoredRecord, intent: "execute" | "reconcile") =>
    decideClaim(stored, claimOf({ intent }), NOW, 0n).next?.lease.fence;

  test("is the clock's microseconds while nothing higher is known", () => {
    expect(nextFence(0n, NOW, 0n)).toBe(BigInt(NOW));
  });

  test("rises over the record's own when the clock stands still or steps back", () => {
    expect(nextFence(BigInt(NOW), NOW, 0n)).toBe(BigInt(NOW) + 1n);
    expect(nextFence(BigInt(NOW), addMs(NOW, -DAY), 0n)).toBe(BigInt(NOW) + 1n);
  });

  test("rises over that of every record deleted before", () => {
    expect(nextFence(0n, addMs(NOW, -DAY), BigInt(NOW))).toBe(BigInt(NOW) + 1n);
  });

  test("of a record claimed anew lies above the forgotten one's, whatever the clock says", () => {
    const ahead = { ...HOLDER, fence: BigInt(addMs(NOW, HOUR)) };
    const stored = recordOf({ ...stateNamed("forgotten"), lease: ahead });
    expect(fenceAfter(stored, "execute")).toBe(ahead.fence + 1n);
  });

  test("of a reconciler lies above the suspect's", () => {
    const ahead = { ...HOLDER, fence: BigInt(addMs(NOW, HOUR)) };
    const stored = recordOf({ ...stateNamed("outcome unknown"), lease: ahead });
    expect(fenceAfter(stored, "reconcile")).toBe(ahead.fence + 1n);
  });
});
