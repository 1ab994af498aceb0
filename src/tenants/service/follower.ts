import type { Clock } from "../../clock.ts";

export interface FollowerDeps {
  /** Rejects when it is to be tried again. */
  readonly work: (name: string) => Promise<void>;
  readonly clock: Clock;
  /** Before the next try, after so many failures in a row. */
  readonly backOffMs: (failures: number) => number;
  readonly atOnceMax: number;
  readonly signal: AbortSignal;
}

/** Does what has to be done for each name until it succeeds; nothing is lost while the database is away. */
export interface Follower {
  /** Begins anew also when it is being done for that name: what it has read by then may be out of date. */
  follow(name: string): void;
  /** Names that wait. */
  readonly size: number;
}

export function createFollower({ work, clock, backOffMs, atOnceMax, signal }: FollowerDeps): Follower {
  const waiting = new Set<string>();
  let running = 0;
  let failures = 0;

  const run = async (name: string) => {
    running++;
    try {
      await work(name);
      failures = 0;
    } catch {
      waiting.add(name);
      await clock.sleep(backOffMs(++failures), signal).catch(() => undefined);
    }
    running--;
    fill();
  };

  const fill = () => {
    for (const name of waiting) {
      if (running >= atOnceMax || signal.aborted) return;
      waiting.delete(name);
      void run(name);
    }
  };

  return {
    follow(name) {
      waiting.add(name);
      fill();
    },
    get size() {
      return waiting.size;
    },
  };
}
