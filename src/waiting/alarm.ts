import type { Clock } from "../clock.ts";

/** Sleep that others can end. A ring that comes while nobody rests ends the next rest at once. */
export interface Alarm {
  ring(): void;
  /** True when the time was over, false when it rang. Infinity rests until it rings. */
  rest(ms: number): Promise<boolean>;
}

/** A reason of our own: without one each rest would pay for a DOMException and its stack. */
const RUNG = new Error("rung");

export function createAlarm(clock: Clock): Alarm {
  let hasRung = false;
  let wake: (() => void) | null = null;
  return {
    ring() {
      hasRung = true;
      wake?.();
    },
    async rest(ms) {
      if (!hasRung) {
        const over = new AbortController();
        const rung = new Promise<void>((resolve) => {
          wake = resolve;
        });
        const late = ms === Number.POSITIVE_INFINITY ? rung : clock.sleep(ms, over.signal).catch(() => undefined);
        await Promise.race([rung, late]);
        over.abort(RUNG);
        wake = null;
      }
      const timedOut = !hasRung;
      hasRung = false;
      return timedOut;
    },
  };
}
