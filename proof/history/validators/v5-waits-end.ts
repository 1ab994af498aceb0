import type { MarkLine } from "../format.ts";
import type { Placed } from "../history.ts";
import { type Context, returned, type Time, timeOf, type Validator, type Violation } from "./validator.ts";

/** The backstop finds what no notification told in 1.2 s. */
const PATIENCE_NS = 1_500_000_000;

/** WaitFor, and claims that wait. One that was over before its patience was, and was told of no end, says nothing. */
export const waitsEnd: Validator = {
  id: "V5",
  promise:
    "no wait is open 1.5 s after the end that it waits for was acknowledged, or after what disturbed it was over",
  check(calls, context) {
    const mayReopen = calls.some(({ input }) => input.reuse === "retry-failed");
    const ends = calls.filter((call) => endsRecord(call) && !(call.op === "fail" && mayReopen));
    const violations: Violation[] = [];
    const judged: Time[] = [];
    for (const wait of calls.filter(waits)) {
      const overNs = wait.return_ns ?? wait.output.gave_up_ns ?? Number.POSITIVE_INFINITY;
      for (const end of ends) {
        if (overNs < end.call_ns || mayBeForgotten(end, wait, context)) continue;
        // An end before the wait may be of a record that is no longer kept; what it is told then is another validator's.
        if (returned(end) < wait.call_ns && wait.output.kind !== "finish") continue;
        const isLate = overNs > patientUntil(wait, Math.max(returned(end), wait.call_ns), context.marks);
        if (isLate) violations.push({ why: "a wait missed an end", lines: [end, wait] });
        if (isLate || isTold(wait)) judged.push(timeOf(end, wait));
      }
    }
    return { judged, violations };
  },
};

function waits({ op, input }: Placed): boolean {
  return op === "wait_for" || (op === "claim" && (input.wait_ms ?? 0) > 0);
}

/** A failure is no end for who claims it again, and a record that is open again is waited for with reason. */
function endsRecord({ op, output }: Placed): boolean {
  if (output.kind !== "accepted") return false;
  return op === "complete" || output.state === "failed";
}

/** The clock was set meanwhile, perhaps to a time at which the end was kept no longer: then the record is another one. */
function mayBeForgotten(end: Placed, wait: Placed, { marks, times }: Context): boolean {
  const isBetween = ({ from_ns, to_ns }: MarkLine) => to_ns >= end.call_ns && from_ns <= returned(wait);
  if (!marks.some((mark) => mark.mark === "clock-step" && isBetween(mark))) return false;
  return times.latestUs(wait) >= (end.output.result_expires_us ?? 0);
}

/** The usual case: a notification is often faster than the answer to the call that ended the record. */
function isTold({ output }: Placed): boolean {
  return output.kind === "completed" || output.kind === "failed";
}

/** Patience begins anew when whatever disturbed it is over; something else may disturb it then. */
function patientUntil(wait: Placed, sinceNs: number, marks: readonly MarkLine[]): number {
  const disturbing = marks.filter(({ mark, server }) => {
    return mark !== "clock-step" && (mark !== "server-down" || server === wait.server);
  });
  let fromNs = sinceNs;
  for (const { from_ns, to_ns } of disturbing.toSorted((a, b) => a.from_ns - b.from_ns)) {
    if (from_ns <= fromNs + PATIENCE_NS && to_ns >= fromNs) fromNs = to_ns;
  }
  return fromNs + PATIENCE_NS;
}
