import type {
  ClaimAnswer,
  ClaimCall,
  FinishAnswer,
  FinishCall,
  HeartbeatAnswer,
  HeartbeatCall,
  Peeked,
  WatchCall,
} from "../domain/calls.ts";
import type { Instant } from "../domain/instant.ts";
import type { RecordKey } from "../domain/key.ts";
import type { OpenRecords, OperatorStore } from "./operator-store.ts";

/**
 * Where records are kept: the reducer of domain/reducer/ made durable and atomic.
 *
 * Every answer is the reducer's over the record as it was at one instant, `now`, of one clock that all servers share. An
 * answer is given only after what it says is durable; the one exception is a bare extension of a lease, which a crash of
 * the database may lose: those of the last 0.6 s, and the lease then ends where the one before had put it.
 *
 * Throws `Fault`: STORE_UNAVAILABLE when the database does not answer (whether the call took effect is not known; the
 * same call again settles it), OVERLOADED when the queue is full (it did not), DEADLINE_EXCEEDED when `deadline` passed
 * before the call was sent (it did not).
 *
 * `deadline` is an instant of `Clock.monotonicMs()`; Infinity is none.
 */
export interface Store extends OperatorStore {
  claim(call: ClaimCall, deadline: number): Promise<ClaimAnswer>;
  heartbeat(call: HeartbeatCall, deadline: number): Promise<HeartbeatAnswer>;
  finish(call: FinishCall, deadline: number): Promise<FinishAnswer>;
  /** Reads without touching; the record is null when absent or forgotten. */
  peek(key: RecordKey, deadline: number): Promise<Peeked>;
  /**
   * Flags an open record as waited for. False, and then it is to be read again, when it is absent or ended, has another
   * state or fence than the call, or is flagged already. Whoever changes either from here on finds the flag.
   */
  watch(call: WatchCall, deadline: number): Promise<boolean>;
  /**
   * One pass of housekeeping over at most `limit` records of each kind; no caller ever sees a difference.
   * @param upTo nothing is erased that was not due by then, whatever the database's clock shows when the pass runs
   */
  sweep(limit: number, upTo?: Instant): Promise<Swept>;
}

/** What one pass of the sweeper did, in records. */
export interface Swept {
  /** Deleted: past their tombstone. */
  readonly forgotten: number;
  /** Deleted: claimable for one result retention, and never claimed again. */
  readonly abandoned: number;
  /** Results dropped: past their result end; the tombstone stays. */
  readonly emptied: number;
  /** Failed for good: attempts used up and the lease over. */
  readonly settled: number;
  /** Of all open records, when this pass has finished a round over them; null in the others. */
  readonly round: OpenRecords | null;
}
