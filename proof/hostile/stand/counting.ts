export const HONEST_WAYS = ["gRPC", "Connect JSON", "Session"] as const;
export type HonestWay = (typeof HONEST_WAYS)[number];

/** Of each way; a call is served or has failed. */
export type HonestTally = Record<HonestWay, { served: number; failures: string[]; latenciesMs: number[] }>;

/** Longer than any honest call takes beside an attack on two busy cores, and shorter than any part of a run that is judged. */
export const STALLED_MS = 2_000;

/** Counts calls when they end, wherever they began. */
export interface Counting {
  /** A call begins; it is ended with what went wrong, or with null. */
  begin(way: HonestWay): (failure: string | null) => void;
  /**
   * What has ended since it was last asked. A call that is open for long by now is a failure too, without its end: a
   * server that answers nobody ends no call, and is not to look as if nobody had called.
   */
  take(): HonestTally;
}

export function createCounting(nowMs: () => number): Counting {
  let tally = newTally();
  const open = new Set<{ readonly way: HonestWay; readonly startMs: number; isStalled: boolean }>();
  return {
    begin(way) {
      const call = { way, startMs: nowMs(), isStalled: false };
      open.add(call);
      return (failure) => {
        if (!open.delete(call)) return;
        const own = tally[way];
        own.latenciesMs.push(nowMs() - call.startMs);
        if (failure === null) own.served++;
        else own.failures.push(failure);
      };
    },
    take() {
      const taken = tally;
      tally = newTally();
      for (const call of open) {
        const { way, startMs, isStalled } = call;
        const ms = nowMs() - startMs;
        if (isStalled || ms <= STALLED_MS) continue;
        call.isStalled = true;
        taken[way].failures.push(`no answer, and more than ${STALLED_MS / 1000} s have passed`);
        taken[way].latenciesMs.push(ms);
      }
      return taken;
    },
  };
}

function newTally(): HonestTally {
  const none = () => ({ served: 0, failures: [], latenciesMs: [] });
  return Object.fromEntries(HONEST_WAYS.map((way) => [way, none()])) as unknown as HonestTally;
}
