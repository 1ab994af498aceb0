import type { Lanes } from "./lanes.ts";

export interface BatchLimits {
  readonly rowsMax: number;
  readonly bytesMax: number;
  /** While a batch is under way on a connection, the next is sent after it only if it has so many rows. */
  readonly aheadRowsMin: number;
  /** Calls that are not settled yet. For all lanes together; each has its share, so a blocked one takes none of another's. */
  readonly queueCallsMax: number;
  readonly queueBytesMax: number;
}

export const BATCH_LIMITS: BatchLimits = {
  // Time per row no longer falls beyond 256 rows, and a batch takes 13 ms.
  rowsMax: 256,
  bytesMax: 2 * 1024 * 1024,
  // By then the fixed cost of one more statement, some 0.4 ms of both processors, is 3 µs a row.
  aheadRowsMin: 128,
  // A lane takes some 6 000 calls a second: this is what it answers in about two seconds, and longer nobody should wait.
  queueCallsMax: 32_768,
  queueBytesMax: 64 * 1024 * 1024,
};

/**
 * Two at a time win what passes between an answer and the next batch, some milliseconds, and cost the wait for another
 * statement. That is a bad bargain where commits wait for a standby that is far away or stalled: the time of a statement
 * is the commit's then, however many rows it has. Two full batches, one after the other, take a quarter of this.
 */
const SHORT_STATEMENT_MS = 100;

/** What waits for a lane, how many of its batches are under way, and how long its last statement took. */
interface Load {
  readonly queue: { readonly ready: number };
  readonly underWay: number;
  readonly statementMs: number;
}

type Sending = Pick<BatchLimits, "rowsMax" | "aheadRowsMin"> & Pick<Lanes, "atOnce">;

function batchesMax({ statementMs }: Load, { atOnce }: Sending): number {
  return statementMs > SHORT_STATEMENT_MS ? 1 : atOnce;
}

/** Anything, when the lane is idle. While a batch is under way only one that is large enough. */
export function isWorthSending(load: Load, sending: Sending): boolean {
  const { queue, underWay } = load;
  if (underWay === 0) return queue.ready > 0;
  return underWay < batchesMax(load, sending) && queue.ready >= sending.aheadRowsMin;
}

/**
 * Half of what waits, where both halves are large enough. In one batch all callers would be answered at once and come
 * again at once, in a wave: the database would lie idle while we answer them, and we while it works.
 */
export function rowsOfNext(load: Load, sending: Sending): number {
  const { ready } = load.queue;
  const isHalved = load.underWay === 0 && batchesMax(load, sending) > 1 && ready >= 2 * sending.aheadRowsMin;
  return Math.min(sending.rowsMax, isHalved ? Math.ceil(ready / 2) : sending.rowsMax);
}
