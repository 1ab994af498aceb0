import { guarded } from "../claim-options.ts";
import type { Consumer } from "../consumer.ts";

/** What of an amqplib channel is used. */
export interface RabbitChannel<Message> {
  ack(message: Message): void;
  nack(message: Message, allUpTo: boolean, requeue: boolean): void;
}

export interface RabbitOptions {
  /**
   * Told when the channel does not take what became of a message, because it is closed by then: the broker gives the
   * message out again, and it is found done. Default: nobody is.
   */
  readonly onError?: (error: unknown) => void;
}

/**
 * A consumer for RabbitMQ, to be given to `channel.consume`: how many messages it works on at once is the channel's
 * prefetch. A dead letter is refused without requeueing, so the queue's dead-letter exchange gets it, unless `deadLetter`
 * has taken it. RabbitMQ gives a requeued message out again at once: to have it later, use a delayed retry queue of
 * quorum queues, or `waitMs`, which waits here for whoever is at it.
 *
 * What it returns never rejects: amqplib does not look at it, and a rejection would end the process.
 */
export function rabbit<Message>(
  consumer: Consumer<Message>,
  channel: RabbitChannel<Message>,
  { onError = () => {} }: RabbitOptions = {},
) {
  const tell = guarded(onError);
  return async (message: Message | null): Promise<void> => {
    // The broker has cancelled the consumer.
    if (message === null) return;
    try {
      for (const { verdict } of await consumer.process([message])) {
        if (verdict === "redeliver") channel.nack(message, false, true);
        else if (verdict === "dead-letter" && !consumer.hasDeadLetter) channel.nack(message, false, false);
        else channel.ack(message);
      }
    } catch (error) {
      tell(error);
    }
  };
}
