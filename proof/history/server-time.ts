import type { CallLine, MarkLine } from "./format.ts";
import { isUnknown } from "./format.ts";
import type { Reading } from "./history.ts";

/** The database's clock at a call's decision: some instant from `loUs` to `hiUs`. */
export interface Span {
  readonly loUs: number;
  readonly hiUs: number;
}

/**
 * The database's clock and the callers' run alike, so how far they are apart is one number, and every answer that tells
 * the time bounds it: the decision came after the call and before the answer. With it the time of any other decision is
 * known about as exactly as its call is short. A driver that sets the clock says so by a mark, and nothing is concluded
 * across one; if the clocks moved against each other all the same, the spans are wider by that.
 */
export interface ServerTimes {
  of(call: CallLine): Span;
  /** What the clock may have shown at the latest by the time of the call's decision, also before it was set back. */
  latestUs(call: CallLine): number;
  /** The same, but for times before those steps by which no sweeper was misled. */
  sweptUs(call: CallLine): number;
  /** How far the clocks moved against each other although no mark says so. */
  readonly movedUs: number;
}

const EVER: Span = { loUs: Number.NEGATIVE_INFINITY, hiUs: Number.POSITIVE_INFINITY };
/** Times are rounded to microseconds on their way. */
const ROUNDING_US = 1;
const NS_PER_US = 1000;

export function createServerTimes(readings: readonly Reading[], marks: readonly MarkLine[]): ServerTimes {
  const steps = marks.filter(({ mark }) => mark === "clock-step").toSorted((a, b) => a.from_ns - b.from_ns);
  const stretches = Array.from({ length: steps.length + 1 }, createApart);
  for (const reading of readings) {
    const at = stretchAt(steps, reading.callNs, reading.returnNs);
    if (at !== null) stretches[at]?.see(reading);
  }
  const of = (call: CallLine): Span => {
    const { server_time_us: us, call_ns: callNs } = call;
    const returnNs = call.return_ns ?? Number.POSITIVE_INFINITY;
    if (us !== undefined && !isUnknown(call)) return { loUs: us - ROUNDING_US, hiUs: us + ROUNDING_US };
    const at = stretchAt(steps, callNs, returnNs);
    const { loUs, hiUs } = (at === null ? undefined : stretches[at]?.span()) ?? EVER;
    if (loUs === Number.NEGATIVE_INFINITY) return EVER;
    return { loUs: callNs / NS_PER_US + loUs - ROUNDING_US, hiUs: returnNs / NS_PER_US + hiUs + ROUNDING_US };
  };
  const shownBy = (call: CallLine, counts: (step: MarkLine) => boolean) => {
    const begun = steps.filter(({ from_ns }) => from_ns <= (call.return_ns ?? Number.POSITIVE_INFINITY));
    const shown = begun.map((step, i) =>
      counts(step) ? step.to_ns / NS_PER_US + (stretches[i]?.span().hiUs ?? 0) + ROUNDING_US : Number.NEGATIVE_INFINITY,
    );
    return Math.max(of(call).hiUs, ...shown);
  };
  return {
    of,
    movedUs: Math.max(0, ...stretches.map((apart) => apart.movedUs())),
    latestUs: (call) => shownBy(call, () => true),
    sweptUs: (call) => shownBy(call, ({ unswept = false }) => !unswept),
  };
}

/** The database's clock less the callers', between two steps of it. */
function createApart() {
  /** The highest lower bound and the lowest upper one, each with how far the other bound of its reading was. */
  let [loUs, loWidthUs, hiUs, hiWidthUs] = [Number.NEGATIVE_INFINITY, 0, Number.POSITIVE_INFINITY, 0];
  return {
    see({ callNs, returnNs, us }: Reading): void {
      const [lo, hi] = [us - returnNs / NS_PER_US, us - callNs / NS_PER_US];
      if (lo > loUs) [loUs, loWidthUs] = [lo, hi - lo];
      if (hi < hiUs) [hiUs, hiWidthUs] = [hi, hi - lo];
    },
    movedUs: () => Math.max(0, Math.ceil(loUs - hiUs)),
    /** Where the bounds contradict each other it was somewhere from what the one reading says to what the other says. */
    span: (): Span => (loUs <= hiUs ? { loUs, hiUs } : { loUs: hiUs - hiWidthUs, hiUs: loUs + loWidthUs }),
  };
}

/** Which stretch a call lies in; null: it lies across a step. */
function stretchAt(steps: readonly MarkLine[], callNs: number, returnNs: number): number | null {
  const before = steps.filter(({ to_ns }) => to_ns <= callNs).length;
  const begun = steps.filter(({ from_ns }) => from_ns <= returnNs).length;
  return before === begun ? before : null;
}
