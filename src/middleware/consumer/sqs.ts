import type { Consumer } from "../consumer.ts";

/** What of an SQS message is read, as Lambda hands it over. */
export interface SqsMessage {
  readonly messageId: string;
}

export interface SqsBatch<Message> {
  readonly Records: readonly Message[];
}

export interface SqsBatchResponse {
  readonly batchItemFailures: { readonly itemIdentifier: string }[];
}

/**
 * A Lambda handler for SQS, whose event source mapping has ReportBatchItemFailures: what is to come again is reported, and
 * the rest is deleted. What is to be dead-lettered is reported too, unless `deadLetter` has taken it: the queue's redrive
 * policy moves it once it has come too often.
 *
 * For a FIFO queue give `group: (record) => record.attributes.MessageGroupId`: behind a message that comes again, all of
 * its group do.
 */
export function sqs<Message extends SqsMessage>(consumer: Consumer<Message>) {
  return async ({ Records }: SqsBatch<Message>): Promise<SqsBatchResponse> => {
    const settled = await consumer.process(Records);
    const again = settled.filter(
      ({ verdict }) => verdict === "redeliver" || (verdict === "dead-letter" && !consumer.hasDeadLetter),
    );
    return { batchItemFailures: again.map(({ message }) => ({ itemIdentifier: message.messageId })) };
  };
}
