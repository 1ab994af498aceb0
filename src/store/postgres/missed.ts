import type { Instant } from "../../domain/instant.ts";
import type { StoredRecord } from "../../domain/record.ts";
import type { Keyed } from "./batch-rows.ts";
import type { Connection } from "./connection.ts";
import { runPeeks } from "./peek.ts";
import type { ServerTime } from "./server-time.ts";

interface Decision<Answer> {
  readonly answer: Answer;
  readonly next: StoredRecord | null;
}

/**
 * Says why calls were left alone by a statement that touches only what it may: reads their records with a fresh snapshot
 * and asks the reducer. Where the reducer would now accept, the call goes into the next batch: null.
 *
 * An answer is true of the moment of the second read. The statement did nothing for the call, so that is a moment at
 * which the whole call may be said to have happened.
 */
export async function answerMissed<Call extends Keyed, Answer>(
  connection: Connection,
  batch: readonly { readonly call: Call; readonly answer: Answer | null }[],
  decide: (stored: StoredRecord | null, call: Call, now: Instant) => Decision<Answer>,
  time: ServerTime,
): Promise<(Answer | null)[]> {
  const missed = batch.filter(({ answer }) => answer === null).map(({ call }) => call);
  const found = (await runPeeks(connection, missed, time)).values();
  return batch.map(({ answer }) => {
    if (answer !== null) return answer;
    const read = found.next().value;
    if (read === undefined) throw new Error("bug: fewer records read than calls missed");
    const decision = decide(read.stored, read.call, read.now);
    return decision.next === null ? decision.answer : null;
  });
}
