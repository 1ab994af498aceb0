/** A transaction as far as locks see one. */
export interface Locker {
  readonly name: string;
}

/** Row locks: held until the end of a transaction, given in the order of asking. */
export interface Locks<Tx extends Locker> {
  /** Resolves when it is the transaction's; rejects when that would never come, because they wait for each other. */
  take(tx: Tx, row: string): Promise<void>;
  /** Gives up waiting for it. */
  abandon(tx: Tx, error: Error): void;
  isFree(tx: Tx, row: string): boolean;
  release(tx: Tx): void;
  /** Who holds what, in words. */
  held(): readonly string[];
}

interface Lock<Tx> {
  owner: Tx;
  readonly queue: Waiting<Tx>[];
}

interface Waiting<Tx> {
  readonly tx: Tx;
  readonly row: string;
  readonly granted: PromiseWithResolvers<void>;
}

/** @param deadlocked makes the error of who asked last */
export function createLocks<Tx extends Locker>(deadlocked: (cycle: readonly Tx[]) => Error): Locks<Tx> {
  const locks = new Map<string, Lock<Tx>>();
  const waiting = new Map<Tx, Waiting<Tx>>();

  /** Who waits for whom, from the one that holds the row on; ends with `tx` if that is a circle. */
  const chainFrom = (tx: Tx, row: string): readonly Tx[] => {
    const chain: Tx[] = [];
    for (let next = locks.get(row)?.owner; next !== undefined; ) {
      if (chain.includes(next)) return chain;
      chain.push(next);
      if (next === tx) return chain;
      const behind: Waiting<Tx> | undefined = waiting.get(next);
      next = behind === undefined ? undefined : locks.get(behind.row)?.owner;
    }
    return chain;
  };

  const pass = (row: string, lock: Lock<Tx>) => {
    const next = lock.queue.shift();
    if (next === undefined) return void locks.delete(row);
    lock.owner = next.tx;
    waiting.delete(next.tx);
    next.granted.resolve();
  };

  return {
    async take(tx, row) {
      const lock = locks.get(row);
      if (lock === undefined) return void locks.set(row, { owner: tx, queue: [] });
      if (lock.owner === tx) return;
      const chain = chainFrom(tx, row);
      if (chain.at(-1) === tx) throw deadlocked(chain);
      const request = { tx, row, granted: Promise.withResolvers<void>() };
      lock.queue.push(request);
      waiting.set(tx, request);
      await request.granted.promise;
    },
    abandon(tx, error) {
      const request = waiting.get(tx);
      if (request === undefined) return;
      waiting.delete(tx);
      const queue = locks.get(request.row)?.queue;
      queue?.splice(queue.indexOf(request), 1);
      request.granted.reject(error);
    },
    isFree: (tx, row) => (locks.get(row)?.owner ?? tx) === tx,
    release(tx) {
      for (const [row, lock] of [...locks]) if (lock.owner === tx) pass(row, lock);
    },
    held: () => [...locks].map(([row, { owner }]) => `${row} by ${owner.name}`),
  };
}
