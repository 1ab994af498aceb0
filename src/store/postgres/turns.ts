import { Fault } from "../../domain/fault.ts";

/** The order in which one thing is used: by so many at a time, first come, first served. */
export interface Turns {
  /** Resolves and rejects as `use` does. Rejects with a `Fault` OVERLOADED, at once, when too many wait. */
  take<T>(use: () => Promise<T>, options?: TurnOptions): Promise<T>;
  /** Rejects all that wait; whoever uses it goes on. */
  refuse(cause: Error): void;
  /** Resolves when nobody uses it or waits. */
  idle(): Promise<void>;
}

export interface TurnOptions {
  /** Before all that wait, and however many do: for somebody who asks again only after the answer. */
  readonly ahead?: boolean;
}

/** By then a thousand short statements have been answered. */
const SHED_RETRY_MS = 500;

/** @param atOnce so many use it at a time */
export function createTurns(waitingMax: number, atOnce = 1): Turns {
  const waiting: { readonly begin: () => Promise<void>; readonly reject: (cause: Error) => void }[] = [];
  let running = 0;
  const runs = new Set<Promise<void>>();

  const runAll = async () => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) await next.begin();
    // In the same step as the look at who waits: a turn that came in between would never be taken.
    running--;
  };

  const runOneMore = () => {
    running++;
    const run = Promise.resolve()
      .then(runAll)
      .finally(() => runs.delete(run));
    runs.add(run);
  };

  return {
    take<T>(use: () => Promise<T>, { ahead = false }: TurnOptions = {}) {
      if (!ahead && waiting.length >= waitingMax) return Promise.reject(overloaded());
      const { promise, resolve, reject } = Promise.withResolvers<T>();
      const turn = { begin: () => use().then(resolve, reject), reject };
      if (ahead) waiting.unshift(turn);
      else waiting.push(turn);
      if (running < atOnce) runOneMore();
      return promise;
    },
    refuse(cause) {
      for (const { reject } of waiting.splice(0)) reject(cause);
    },
    async idle() {
      while (running > 0) await Promise.all(runs);
    },
  };
}

export function overloaded(): Fault {
  return new Fault("OVERLOADED", "Too much waits for the database.", { retryAfterMs: SHED_RETRY_MS });
}
