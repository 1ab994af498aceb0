import type { Placed } from "../history.ts";
import { keptBy } from "./kept.ts";
import { isCompleted, isLease, returned, type Time, timeOf, type Validator, type Violation } from "./validator.ts";

export const lastLook: Validator = {
  id: "V7",
  promise: "what is read once everything is over agrees with all that was acknowledged",
  check(calls, context) {
    const isKept = keptBy(calls, context);
    const looks = lastLooks(calls);
    const leases = calls.filter(isLease);
    const completed = calls.filter(isCompleted);
    const newest = leases.toSorted((a, b) => fenceOf(a) - fenceOf(b)).at(-1);
    const violations: Violation[] = [];
    const judged: Time[] = [];
    for (const look of looks) {
      const { kind, state, fence = 0, result } = look.output;
      for (const line of completed) {
        if (!isKept(line, look)) continue;
        judged.push(timeOf(line, look));
        const isSame = result === undefined || result === line.input.result;
        if (kind === "record" && state === "completed" && isSame) continue;
        violations.push({
          why: `a result was acknowledged, and the record is ${state ?? "not there"}`,
          lines: [line, look],
        });
      }
      if (kind !== "record" || newest === undefined) continue;
      judged.push(timeOf(newest, look));
      if (fence >= fenceOf(newest)) continue;
      const why = `fence ${newest.output.fence} was acknowledged, and the record's is ${fence}`;
      violations.push({ why, lines: [newest, look] });
    }
    return { judged, violations };
  },
};

function fenceOf({ output }: Placed): number {
  return output.fence ?? 0;
}

/** Reads that were made after everything else was over. */
function lastLooks(calls: readonly Placed[]): readonly Placed[] {
  const others = calls.filter(({ op }) => op !== "get_record" && op !== "wait_for" && op !== "wait_snapshot");
  const overNs = Math.max(0, ...others.map((call) => call.return_ns ?? call.output.gave_up_ns ?? returned(call)));
  return calls.filter(({ op, call_ns, output }) => {
    if (op !== "get_record" || call_ns <= overNs) return false;
    return output.kind === "record" || output.reason === "RECORD_NOT_FOUND";
  });
}
