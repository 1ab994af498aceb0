import type { Placed } from "../history.ts";
import { isCompleted, isLease, returned, type Validator, type Violation } from "./validator.ts";

export const lastLook: Validator = {
  id: "V7",
  promise: "what is read once everything is over agrees with all that was acknowledged",
  check(calls, { times }) {
    const looks = lastLooks(calls);
    const leases = calls.filter(isLease);
    const completed = calls.filter(isCompleted);
    const violations: Violation[] = [];
    for (const look of looks) {
      const { kind, state, fence = 0, result } = look.output;
      const latestUs = times.latestUs(look);
      for (const line of completed) {
        const isKept = latestUs < (line.output.result_expires_us ?? 0);
        if (!isKept) continue;
        const isSame = result === undefined || result === line.input.result;
        if (kind === "record" && state === "completed" && isSame) continue;
        violations.push({
          why: `a result was acknowledged, and the record is ${state ?? "not there"}`,
          lines: [line, look],
        });
      }
      const newest = leases.toSorted((a, b) => (a.output.fence ?? 0) - (b.output.fence ?? 0)).at(-1);
      if (kind !== "record" || newest === undefined || fence >= (newest.output.fence ?? 0)) continue;
      const why = `fence ${newest.output.fence} was acknowledged, and the record's is ${fence}`;
      violations.push({ why, lines: [newest, look] });
    }
    return { judged: looks.length, violations };
  },
};

/** Reads that were made after everything else was over. */
function lastLooks(calls: readonly Placed[]): readonly Placed[] {
  const others = calls.filter(({ op }) => op !== "get_record" && op !== "wait_for" && op !== "wait_snapshot");
  const overNs = Math.max(0, ...others.map((call) => call.return_ns ?? call.output.gave_up_ns ?? returned(call)));
  return calls.filter(({ op, call_ns, output }) => {
    if (op !== "get_record" || call_ns <= overNs) return false;
    return output.kind === "record" || output.reason === "RECORD_NOT_FOUND";
  });
}
