import type { Clock } from "../clock.ts";

/** Tells of instants; those that lie close together share one timer, since ten thousand calls may wait at once. */
export interface Curfew {
  /** Tells it at this instant of `Clock.monotonicMs()`, or up to 10 ms later. */
  at(instantMs: number, who: Curfewed): Hour;
}

export interface Curfewed {
  /** The instant has come. */
  runOut(): void;
}

/** One instant; the same for all who are told then. */
export interface Hour {
  /** It need not be told any more. As often as one likes. */
  forget(who: Curfewed): void;
}

const GRAIN_MS = 10;

/** A reason of our own: without one each timer would pay for a DOMException and its stack. */
const NOBODY_LEFT = new Error("nobody waits for it any more");

export function createCurfew(clock: Clock): Curfew {
  const hours = new Map<number, Hour & { readonly told: Set<Curfewed> }>();

  const open = (grain: number) => {
    const told = new Set<Curfewed>();
    const empty = new AbortController();
    const hour = {
      told,
      forget(who: Curfewed) {
        if (!told.delete(who) || told.size > 0) return;
        // Whoever comes later must not join an hour whose timer has been taken away.
        if (hours.get(grain) === hour) hours.delete(grain);
        empty.abort(NOBODY_LEFT);
      },
    };
    hours.set(grain, hour);
    const ring = () => {
      hours.delete(grain);
      for (const who of told) who.runOut();
    };
    clock.sleep(grain * GRAIN_MS - clock.monotonicMs(), empty.signal).then(ring, () => undefined);
    return hour;
  };

  return {
    at(instantMs, who) {
      const grain = Math.ceil(instantMs / GRAIN_MS);
      const hour = hours.get(grain) ?? open(grain);
      hour.told.add(who);
      return hour;
    },
  };
}
