import type { Peeked } from "../domain/calls.ts";

/** What a waiter wants after it has seen the record. */
export type Wish =
  /** Nothing: it waits on, or has left. */
  | "wait"
  /** What it was shown is older than what it knows: to be shown a reading that is made from here on. */
  | "read-again"
  /** The record can be had: to submit its claim, if no older waiter of this server wishes that too. */
  | "claim"
  /** The record's attempt is its own: to submit its claim whoever else waits. */
  | "claim-at-once";

/** What a submitted claim has told of the record. */
export type Submitted =
  /** The record as the claim left it, or as it was found. The waiter has left if this was its answer. */
  | Peeked
  /** Nothing, but the waiter has its answer and has left: the next one may try. */
  | "refused"
  /** The store did not answer: nobody should try before the record has been read again. */
  | "failed";

/** Who waits for a record. No method may throw. */
export interface Waiter {
  /**
   * Called with the record as it was when the wait began, and with each newer reading.
   * @param askedMs when it was asked for, by the process's monotonic clock: the database's may be set back in between, and
   * so cannot tell which of two readings is the older one
   */
  see(seen: Peeked, askedMs: number): Wish;
  /** Called only after `see` has wished for it, and at most one at a time for each key. */
  claim(): Promise<Submitted>;
  /** The server shuts down: it is to leave, or, while its claim is under way, as soon as that is answered. */
  dismiss(): void;
}
