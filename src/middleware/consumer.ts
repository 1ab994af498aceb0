import type { Holdfast } from "../client/public.ts";
import { consume, unusable } from "./consumer/consume.ts";
import { type ConsumerOptions, checkConsumerOptions, type Settled } from "./consumer/options.ts";

// biome-ignore lint/performance/noBarrelFile: a package has one entry, and what its users must name goes through it.
export { type KafkaBatch, type KafkaSettled, kafka } from "./consumer/kafka.ts";
export type { ConsumerOptions, Settled, Verdict } from "./consumer/options.ts";
export { type RabbitChannel, type RabbitOptions, rabbit } from "./consumer/rabbit.ts";
export { type SqsBatch, type SqsBatchResponse, type SqsMessage, sqs } from "./consumer/sqs.ts";

/** Does each message of a queue once, however often it is delivered, and to whom. */
export interface Consumer<Message> {
  /** Whether `deadLetter` is there to take what the queue itself does not. */
  readonly hasDeadLetter: boolean;
  /** What can ask a queue for a dead letter of its own. */
  readonly verdicts: ReadonlySet<Settled<Message>["verdict"]>;
  /** What became of each message, in their order. Never rejects for what a message does. */
  process(messages: readonly Message[]): Promise<readonly Settled<Message>[]>;
}

const CONCURRENCY = 10;

/**
 * A batch in, and what became of each of its messages out: see `sqs`, `kafka` and `rabbit` for what their queues want to
 * be told.
 *
 * @throws TypeError that names the option and what is allowed
 */
export function createConsumer<Message>(holdfast: Holdfast, options: ConsumerOptions<Message>): Consumer<Message> {
  checkConsumerOptions(options);
  const { concurrency = CONCURRENCY, deadLetter, onFailed = "dead-letter", onOutcomeUnknown = "redeliver" } = options;
  const { onIdReused = "dead-letter" } = options;

  const settle = async ({ message, mistake }: Numbered<Message>): Promise<Settled<Message>> => {
    const settled = mistake ? unusable(options, message, mistake.error) : await consume(holdfast, options, message);
    if (settled.verdict !== "dead-letter" || deadLetter === undefined) return settled;
    try {
      await deadLetter(settled);
      return settled;
    } catch {
      return { ...settled, verdict: "redeliver" };
    }
  };

  /** One after the other; behind one that comes again, none. */
  const inOrder = async (chain: readonly Numbered<Message>[], into: Settled<Message>[]): Promise<void> => {
    let isHeldBack = false;
    for (const each of chain) {
      const { message, at } = each;
      into[at] = isHeldBack ? { message, verdict: "redeliver", kind: "held-back" } : await settle(each);
      isHeldBack ||= into[at].verdict === "redeliver";
    }
  };

  return {
    hasDeadLetter: deadLetter !== undefined,
    verdicts: new Set([onFailed, onOutcomeUnknown, onIdReused]),
    async process(messages) {
      const settled: Settled<Message>[] = Array.from({ length: messages.length });
      const open = chains(messages, options.group).values();
      // Each of them takes the next chain when it is through with one: an iterator gives each out once.
      const worker = async () => {
        for (const chain of open) await inOrder(chain, settled);
      };
      await Promise.all(Array.from({ length: Math.min(concurrency, messages.length) }, worker));
      return settled;
    },
  };
}

interface Numbered<Message> {
  readonly message: Message;
  readonly at: number;
  /** `group` has thrown this. */
  readonly mistake?: { readonly error: unknown };
}

/** Those of one group together; one of no group alone. */
function chains<Message>(
  messages: readonly Message[],
  group: ConsumerOptions<Message>["group"] = () => undefined,
): readonly (readonly Numbered<Message>[])[] {
  const groups = new Map<string | number, Numbered<Message>[]>();
  for (const [at, message] of messages.entries()) {
    let name: string | number = at;
    let one: Numbered<Message> = { message, at };
    try {
      name = group(message) ?? at;
    } catch (error) {
      one = { message, at, mistake: { error } };
    }
    const chain = groups.get(name);
    if (chain === undefined) groups.set(name, [one]);
    else chain.push(one);
  }
  return [...groups.values()];
}
