import type { Clock } from "../clock.ts";
import { Fault } from "../domain/fault.ts";
import { SLOW_READER_MS } from "./limits.ts";

/** False when the reader did not take what `write` has written within the time; `write` is to say when it did. */
export async function takenInTime(clock: Clock, write: (taken: () => void) => void): Promise<boolean> {
  const { promise: taken, resolve } = Promise.withResolvers<boolean>();
  const over = new AbortController();
  const late = clock.sleep(SLOW_READER_MS, over.signal).then(
    () => false,
    () => true,
  );
  write(() => resolve(true));
  try {
    return await Promise.race([taken, late]);
  } finally {
    over.abort(TAKEN);
  }
}

/** A reason of our own: without one each message would pay for a DOMException and its stack. */
const TAKEN = new Error("taken");

/**
 * Ends the source of a stream whose reader is too slow. It is told why where it stands, so that the call counts as
 * RESOURCE_EXHAUSTED and not as one whose caller went away: the caller is there, and holds our memory.
 */
export async function dismissSlowReader<T>(messages: AsyncIterator<T>): Promise<void> {
  const fault = new Fault("OVERLOADED", `no message was taken for ${SLOW_READER_MS / 1000} s`);
  // What comes back is the same fault as an RpcError, which nobody can be told.
  if (messages.throw !== undefined) await messages.throw(fault).catch(() => undefined);
  else await messages.return?.();
}
