import type { Consumer } from "../consumer.ts";
import type { Settled } from "./options.ts";

/** Messages of one partition, in their order. */
export interface KafkaBatch<Message> {
  readonly messages: readonly Message[];
}

export interface KafkaSettled<Message> {
  /** Those that are through, in their order: commit the offset after the last of them. */
  readonly through: readonly Settled<Message>[];
  /** The first that is to come again: seek to its offset. Undefined when all are through. */
  readonly stoppedAt: Settled<Message> | undefined;
  /** How long to pause the partition before that: without a pause it is asked for again and again. 0 when all are through. */
  readonly pauseMs: number;
}

/** Where nobody says how long: as often as the middleware for HTTP has its clients ask. */
const PAUSE_MS = 1_000;
/** What is said to be free at once may be taken again by the time that anybody asks. */
const PAUSE_MS_MIN = 100;

/**
 * For a partition of Kafka, which has one offset and no dead letters: messages are done in their order, and the first
 * that is to come again stops the rest. Partitions are independent of each other: call it for each.
 *
 * @example
 * const { through, stoppedAt, pauseMs } = await settle({ messages: batch.messages });
 * for (const { message } of through) resolveOffset(message.offset);
 * if (stoppedAt !== undefined) {
 *   consumer.seek({ topic, partition, offset: stoppedAt.message.offset });
 *   consumer.pause([{ topic, partitions: [partition] }]);
 *   setTimeout(() => consumer.resume([{ topic, partitions: [partition] }]), pauseMs);
 * }
 *
 * @throws TypeError when a message could be dead-lettered and there is no `deadLetter` to take it
 */
export function kafka<Message>(consumer: Consumer<Message>) {
  if (consumer.verdicts.has("dead-letter") && !consumer.hasDeadLetter) {
    throw new TypeError('Kafka has no dead letters: give deadLetter, or onFailed and onIdReused without "dead-letter"');
  }
  return async ({ messages }: KafkaBatch<Message>): Promise<KafkaSettled<Message>> => {
    const through: Settled<Message>[] = [];
    for (const message of messages) {
      for (const settled of await consumer.process([message])) {
        if (settled.verdict === "redeliver") {
          return { through, stoppedAt: settled, pauseMs: Math.max(settled.retryAfterMs ?? PAUSE_MS, PAUSE_MS_MIN) };
        }
        through.push(settled);
      }
    }
    return { through, stoppedAt: undefined, pauseMs: 0 };
  };
}
