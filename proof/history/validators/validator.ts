import type { CallLine, MarkLine } from "../format.ts";
import type { Placed } from "../history.ts";
import type { ServerTimes } from "../server-time.ts";

/**
 * Holds one promise against the calls of one key. Knows nothing of the model: it catches what a model with a mistake of
 * its own would let pass.
 */
export interface Validator {
  readonly id: "V1" | "V2" | "V3" | "V4" | "V5" | "V6" | "V7";
  readonly promise: string;
  /** @param calls of one key, by the time at which they were made */
  check(calls: readonly Placed[], context: Context): Checked;
}

export interface Context {
  readonly times: ServerTimes;
  readonly marks: readonly MarkLine[];
}

export interface Checked {
  /** When the lines, or pairs of them, were that there were to hold it against: none violated of none says nothing. */
  readonly judged: readonly Time[];
  readonly violations: readonly Violation[];
}

/** By the host's monotonic clock. */
export interface Time {
  readonly fromNs: number;
  readonly toNs: number;
}

/** From when the first of them was made until the last of them was answered. */
export function timeOf(...lines: readonly CallLine[]): Time {
  return {
    fromNs: Math.min(...lines.map(({ call_ns }) => call_ns)),
    toNs: Math.max(...lines.map((line) => line.return_ns ?? line.output.gave_up_ns ?? line.call_ns)),
  };
}

export interface Violation {
  readonly why: string;
  /** The lines that cannot all be true. */
  readonly lines: readonly Placed[];
}

/** Not answered: never. */
export function returned({ return_ns }: CallLine): number {
  return return_ns ?? Number.POSITIVE_INFINITY;
}

/** A lease that was given out, or confirmed. */
export function isLease({ output }: CallLine): boolean {
  return output.kind === "acquired" || output.kind === "extended";
}

/** A result that was stored, by this call or by the same one before. */
export function isCompleted({ op, output }: CallLine): boolean {
  return op === "complete" && output.kind === "accepted";
}

/** For each call, those of the others that were answered before it was made, as they come in. */
export function* inRealTime(
  earlier: readonly Placed[],
  later: readonly Placed[],
): Generator<{ readonly call: Placed; readonly answeredBefore: readonly Placed[] }> {
  const byReturn = earlier.toSorted((a, b) => returned(a) - returned(b));
  const before: Placed[] = [];
  for (const call of later) {
    for (let next = byReturn[before.length]; next !== undefined && returned(next) < call.call_ns; ) {
      before.push(next);
      next = byReturn[before.length];
    }
    yield { call, answeredBefore: before };
  }
}
