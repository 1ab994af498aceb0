import type { Placed } from "../history.ts";
import { returned, type Time, timeOf, type Validator, type Violation } from "./validator.ts";

export const sameBytes: Validator = {
  id: "V4",
  promise: "what is replayed was sent by somebody, byte by byte",
  check(calls) {
    const results = firstSent(calls, ({ op, input }) => (op === "complete" ? input.result : undefined));
    const errors = firstSent(calls, ({ op, input }) => (op === "fail" ? input.error : undefined));
    const violations: Violation[] = [];
    const judged: Time[] = [];
    for (const call of calls) {
      const { result, error } = call.output;
      for (const [digest, sent, what] of [
        [result, results, "result"],
        [error, errors, "error"],
      ] as const) {
        if (digest === undefined) continue;
        judged.push(timeOf(call));
        if ((sent.get(digest) ?? Number.POSITIVE_INFINITY) < returned(call)) continue;
        violations.push({ why: `no call had sent the ${what} that was replayed`, lines: [call] });
      }
    }
    return { judged, violations };
  },
};

/** When each was sent first. */
function firstSent(
  calls: readonly Placed[],
  digestOf: (call: Placed) => string | undefined,
): ReadonlyMap<string, number> {
  const sent = new Map<string, number>();
  for (const call of calls) {
    const digest = digestOf(call);
    if (digest !== undefined && !sent.has(digest)) sent.set(digest, call.call_ns);
  }
  return sent;
}
