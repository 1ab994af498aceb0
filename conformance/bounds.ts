import { setTimeout as sleep } from "node:timers/promises";

/** For whatever has no reason to take long; far more than anything takes on a machine that is not stuck. */
const LIMIT_MS = 30_000;

/** Rejects after a bounded time, with what `late` says. */
export async function withinMs<T>(promise: Promise<T>, late: () => string, ms: number = LIMIT_MS): Promise<T> {
  const { promise: over, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Error(`${late()} (after ${ms} ms)`)), ms);
  try {
    return await Promise.race([promise, over]);
  } finally {
    clearTimeout(timer);
  }
}

/** Looks until there is something to see. */
export async function eventually<T>(what: string, look: () => Promise<T | undefined | false>): Promise<T> {
  const stop = new AbortController();
  const seen = (async () => {
    while (!stop.signal.aborted) {
      const found = await look();
      if (found !== undefined && found !== false) return found;
      await sleep(LOOK_MS);
    }
    throw new Error("nobody looks any more");
  })();
  try {
    return await withinMs(seen, () => `it has not come about that ${what}`);
  } finally {
    stop.abort();
    seen.catch(() => undefined);
  }
}

const LOOK_MS = 20;
