import type { Swept } from "./store.ts";

/** What a store tells the metrics. `statement` is the name of the .sql file; nothing here names a key or a tenant. */
export interface StoreObserver {
  /** A batch goes out: its rows, and how long its oldest call had queued. */
  batchSent(statement: string, rows: number, oldestQueuedMs: number): void;
  statementDone(statement: string, ms: number, outcome: "ok" | "error"): void;
  /** A batch goes out once more; `cause` is a SQLSTATE or "connection". */
  retried(statement: string, cause: string): void;
  /** A call goes into the next batch: what it was decided on had changed before it could be taken. */
  undecided(statement: string): void;
  /** A call was refused because the queue is full. */
  shed(statement: string): void;
  swept(swept: Swept, ms: number): void;
  /** The database's clock and ours moved apart by this much between two passes; the pass was left out. */
  clockStepped(ms: number): void;
}

export const silentObserver: StoreObserver = {
  batchSent() {},
  statementDone() {},
  retried() {},
  undecided() {},
  shed() {},
  swept() {},
  clockStepped() {},
};
