import { isUnknown } from "../format.ts";
import type { Placed } from "../history.ts";
import { keptBy } from "./kept.ts";
import { inRealTime, isCompleted, type Time, timeOf, type Validator, type Violation } from "./validator.ts";

export const replayed: Validator = {
  id: "V3",
  promise: "an acknowledged result is what every later claim, read and wait is told, as long as it is kept",
  check(calls, context) {
    const isKept = keptBy(calls, context);
    const completed = calls.filter(isCompleted);
    const fingerprints = fingerprintOfFences(calls);
    const violations: Violation[] = [];
    const judged: Time[] = [];
    for (const { call, answeredBefore } of inRealTime(completed, calls.filter(isAnswer))) {
      for (const result of answeredBefore) {
        if (!isKept(result, call)) continue;
        const fingerprint = fingerprints.get(result.input.fence ?? 0);
        if (call.output.reason === "FINGERPRINT_MISMATCH" && call.input.fingerprint !== fingerprint) continue;
        judged.push(timeOf(result, call));
        if (!tells(call, result)) violations.push({ why: describe(call), lines: [result, call] });
      }
    }
    return { judged, violations };
  },
};

/** Answers that depend on what the record is in. */
function isAnswer(call: Placed): boolean {
  const { op, output } = call;
  if (isUnknown(call) || output.kind === "finish") return false;
  if (op !== "claim" && op !== "get_record" && op !== "wait_for") return false;
  return output.kind !== "refused" || DENYING.has(output.reason ?? "");
}

/** Refusals of a record that is ended; any other (a quota, a drain) does not look at it. */
const DENYING: ReadonlySet<string> = new Set([
  "RECORD_NOT_FOUND",
  "CLAIM_ENDED",
  "INVALID_STATE",
  "FINGERPRINT_MISMATCH",
]);

function tells({ op, input, output }: Placed, result: Placed): boolean {
  const isEnded = output.kind === "completed" || (output.kind === "record" && output.state === "completed");
  if (!isEnded) return false;
  const isShown = op === "claim" || input.include_result === true;
  return !isShown || output.result === result.input.result;
}

/** Reconcilers need not know it. */
function fingerprintOfFences(calls: readonly Placed[]): ReadonlyMap<number, string> {
  const known = new Map<number, string>();
  for (const { input, output } of calls) {
    if (output.kind !== "acquired" || input.intent === "reconcile") continue;
    known.set(output.fence ?? 0, input.fingerprint ?? "");
  }
  return known;
}

function describe({ output: { kind, state, reason } }: Placed): string {
  if (kind === "completed" || state === "completed") return "another result than the acknowledged one was replayed";
  return `an acknowledged result was followed by ${state ?? reason ?? kind}`;
}
