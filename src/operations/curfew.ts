import type { Clock } from "../clock.ts";

/** Calls back at instants; those that lie close together share one timer, since ten thousand calls may wait at once. */
export interface Curfew {
  /** At this instant of `Clock.monotonicMs()` or up to 10 ms later, unless the returned function is called before. */
  at(instantMs: number, callback: () => void): () => void;
}

const GRAIN_MS = 10;

/** A reason of our own: without one each timer would pay for a DOMException and its stack. */
const NOBODY_LEFT = new Error("nobody waits for it any more");

interface Group {
  readonly callbacks: Set<() => void>;
  readonly empty: AbortController;
}

export function createCurfew(clock: Clock): Curfew {
  const groups = new Map<number, Group>();

  const open = (grain: number): Group => {
    const group: Group = { callbacks: new Set(), empty: new AbortController() };
    groups.set(grain, group);
    const ring = () => {
      groups.delete(grain);
      for (const callback of group.callbacks) callback();
    };
    clock.sleep(grain * GRAIN_MS - clock.monotonicMs(), group.empty.signal).then(ring, () => undefined);
    return group;
  };

  return {
    at(instantMs, callback) {
      const grain = Math.ceil(instantMs / GRAIN_MS);
      const group = groups.get(grain) ?? open(grain);
      group.callbacks.add(callback);
      return () => {
        if (!group.callbacks.delete(callback) || group.callbacks.size > 0) return;
        // Whoever comes later must not join a group whose timer has been taken away.
        if (groups.get(grain) === group) groups.delete(grain);
        group.empty.abort(NOBODY_LEFT);
      };
    },
  };
}
