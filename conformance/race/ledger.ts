/** What the work changes: it lets each key be done once, and takes a word only from the newest attempt that it knows of. */
export interface Ledger {
  /** An attempt has begun. */
  begin(key: string, worker: number, fence: bigint): void;
  /** Does the work of the key, unless it is done; undefined for an attempt that a newer one has replaced. */
  execute(key: string, fence: bigint): string | undefined;
  /** The attempt is over, or its worker is dead. */
  end(key: string, worker: number): void;
  endAllOf(worker: number): void;
  figures(): LedgerFigures;
}

export interface LedgerFigures {
  /** Keys whose work was done. */
  readonly keys: number;
  /** How often any work was done. */
  readonly executions: number;
  readonly attempts: number;
  /** Attempts that found the work done by one that had died before it could say so. */
  readonly foundDone: number;
  /** What an attempt asked for after a newer one had begun. */
  readonly refused: number;
  /** Attempts that began while another worker, who was alive, was at the same key: it had lost its lease by then. */
  readonly overlaps: number;
  /** Attempts whose fence was not above that of the one before; must be none. */
  readonly fencesOutOfOrder: number;
}

interface Row {
  fence: bigint;
  result: string | undefined;
  executions: number;
  readonly workers: Set<number>;
}

/** @param perform the work itself: its result, another one each time */
export function createLedger(perform: (key: string) => string): Ledger {
  const rows = new Map<string, Row>();
  const counts = { attempts: 0, foundDone: 0, refused: 0, overlaps: 0, fencesOutOfOrder: 0 };
  const rowOf = (key: string): Row => {
    const row = rows.get(key) ?? { fence: 0n, result: undefined, executions: 0, workers: new Set<number>() };
    rows.set(key, row);
    return row;
  };

  return {
    begin(key, worker, fence) {
      const row = rowOf(key);
      counts.attempts++;
      if (row.workers.size > 0) counts.overlaps++;
      if (fence <= row.fence) counts.fencesOutOfOrder++;
      else row.fence = fence;
      row.workers.add(worker);
    },
    execute(key, fence) {
      const row = rowOf(key);
      if (fence < row.fence) {
        counts.refused++;
        return undefined;
      }
      if (row.result !== undefined) {
        counts.foundDone++;
        return row.result;
      }
      row.executions++;
      row.result = perform(key);
      return row.result;
    },
    end: (key, worker) => void rows.get(key)?.workers.delete(worker),
    endAllOf(worker) {
      for (const { workers } of rows.values()) workers.delete(worker);
    },
    figures() {
      const done = [...rows.values()].filter(({ executions }) => executions > 0);
      const executions = done.reduce((sum, row) => sum + row.executions, 0);
      return { keys: done.length, executions, ...counts };
    },
  };
}
