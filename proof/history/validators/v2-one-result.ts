import type { Placed } from "../history.ts";
import { isCompleted, isLease, timeOf, type Validator, type Violation } from "./validator.ts";

export const oneResult: Validator = {
  id: "V2",
  promise: "at most one result is accepted until it is no longer kept",
  check(calls) {
    const completed = calls.filter(isCompleted).toSorted((a, b) => expiry(a) - expiry(b));
    const failed = calls.filter(({ op, output }) => op === "fail" && output.state === "failed");
    const claimedAt = claimTimes(calls);
    const violations: Violation[] = [];
    for (const [i, first] of completed.entries()) {
      for (const second of completed.slice(i + 1)) {
        if (isAnotherEpoch(first, second, claimedAt)) continue;
        if (first.input.result !== second.input.result) {
          violations.push({ why: "two results were accepted", lines: [first, second] });
        } else if (!first.output.already_applied && !second.output.already_applied) {
          violations.push({ why: "a result was accepted twice", lines: [first, second] });
        }
      }
      for (const second of failed) {
        const isAfter = (second.input.fence ?? 0) >= (first.input.fence ?? 0);
        if (!isAfter || isAnotherEpoch(first, second, claimedAt)) continue;
        violations.push({ why: "a result was accepted, and a failure too", lines: [first, second] });
      }
    }
    return { judged: completed.map((line) => timeOf(line)), violations };
  },
};

/** The first time that the lease of each fence was seen, by the database's clock. */
function claimTimes(calls: readonly Placed[]): ReadonlyMap<number, number> {
  const times = new Map<number, number>();
  for (const { output, server_time_us: us } of calls.filter(isLease)) {
    const { fence = 0 } = output;
    if (us !== undefined) times.set(fence, Math.min(us, times.get(fence) ?? us));
  }
  return times;
}

/** The second one's lease began after the first one's result was no longer kept. */
function isAnotherEpoch(first: Placed, second: Placed, claimedAt: ReadonlyMap<number, number>): boolean {
  return (claimedAt.get(second.input.fence ?? 0) ?? Number.NEGATIVE_INFINITY) >= expiry(first);
}

function expiry({ output }: Placed): number {
  return output.result_expires_us ?? Number.POSITIVE_INFINITY;
}
