import { expect, test } from "vitest";
import { outcomeUnknown, terminal } from "../../../src/client/client.ts";
import { Fault } from "../../../src/domain/fault.ts";
import {
  type ConsumerOptions,
  createConsumer,
  kafka,
  rabbit,
  type Settled,
  sqs,
} from "../../../src/middleware/consumer.ts";
import { createFakeServer, unavailable } from "../client/fake-server.ts";

interface Order {
  readonly messageId: string;
  readonly id: string;
  readonly amount: number;
  readonly group?: string;
}

const order = (id: string, more: Partial<Order> = {}): Order => ({ messageId: `m-${id}`, id, amount: 1, ...more });

function start(options: Partial<ConsumerOptions<Order>> = {}) {
  const server = createFakeServer();
  const worked: string[] = [];
  const all: ConsumerOptions<Order> = {
    scope: "order",
    key: ({ id }) => id,
    input: ({ amount }) => amount,
    work: () => "done",
    ...options,
  };
  const consumer = createConsumer<Order>(server.client(), {
    ...all,
    work: (message, attempt) => {
      worked.push(message.id);
      return all.work(message, attempt);
    },
  });
  const process = (...messages: readonly Order[]) => server.clock.until(consumer.process(messages));
  return { server, clock: server.clock, consumer, worked, process };
}

const told = (settled: readonly Settled<Order>[]) => settled.map(({ kind, verdict }) => `${kind}: ${verdict}`);

test("a message is done once, however often it comes", async () => {
  const { process, worked } = start();
  expect(told(await process(order("a"), order("b")))).toEqual(["done: ack", "done: ack"]);
  expect(told(await process(order("a"), order("c")))).toEqual(["replayed: ack", "done: ack"]);
  expect(worked).toEqual(["a", "b", "c"]);
});

test("what throws comes again, and the rest of its batch does not", async () => {
  let isBroken = true;
  const { process, worked } = start({
    work: ({ id }) => {
      if (id === "b" && isBroken) throw new Error("a bug");
    },
  });
  const batch = [order("a"), order("b"), order("c")];
  expect(told(await process(...batch))).toEqual(["done: ack", "failed: redeliver", "done: ack"]);
  isBroken = false;
  expect(told(await process(...batch))).toEqual(["replayed: ack", "done: ack", "replayed: ack"]);
  expect(worked).toEqual(["a", "b", "c", "b"]);
});

test("what somebody else is at is left to come again", async () => {
  const gate = Promise.withResolvers<void>();
  const { consumer, process, worked } = start({ work: () => gate.promise });
  const first = consumer.process([order("a")]);
  expect(told(await process(order("a")))).toEqual(["elsewhere: redeliver"]);
  gate.resolve();
  expect(told(await first)).toEqual(["done: ack"]);
  expect(worked).toEqual(["a"]);
});

test("with waitMs, what somebody else does meanwhile is done here too", async () => {
  const gate = Promise.withResolvers<void>();
  const { consumer, process } = start({ work: () => gate.promise, waitMs: 5_000 });
  const first = consumer.process([order("a")]);
  const second = process(order("a"));
  gate.resolve();
  expect(told(await second)).toEqual(["replayed: ack"]);
  await first;
});

test("what has failed for good is a dead letter, at once and when it comes again", async () => {
  const { process, worked } = start({
    work: () => {
      throw terminal("no such order");
    },
  });
  for (const _ of [1, 2]) expect(told(await process(order("a")))).toEqual(["failed: dead-letter"]);
  expect(worked).toEqual(["a"]);
});

test("what has used up its attempts is a dead letter", async () => {
  const { process } = start({
    maxAttempts: 2,
    work: () => {
      throw new Error("a bug");
    },
  });
  const verdicts = [];
  for (const _ of [1, 2, 3]) verdicts.push(...told(await process(order("a"))));
  expect(verdicts).toEqual(["failed: redeliver", "failed: redeliver", "failed: dead-letter"]);
});

test("an unknown outcome is not run again, and comes again until somebody has found out", async () => {
  const { process, worked } = start({
    work: () => {
      throw outcomeUnknown("the provider timed out");
    },
  });
  expect(told(await process(order("a")))).toEqual(["failed: redeliver"]);
  expect(told(await process(order("a")))).toEqual(["outcome-unknown: redeliver"]);
  expect(worked).toEqual(["a"]);
});

test("under hold, an error without a word is an unknown outcome", async () => {
  const { process } = start({
    onLeaseExpiry: "hold",
    onOutcomeUnknown: "dead-letter",
    work: () => {
      throw new Error("a bug");
    },
  });
  expect(told(await process(order("a")))).toEqual(["failed: dead-letter"]);
  expect(told(await process(order("a")))).toEqual(["outcome-unknown: dead-letter"]);
});

test("another message with an id that was used is a dead letter, as is one without a usable id", async () => {
  const { process } = start();
  await process(order("a"));
  expect(told(await process(order("a", { amount: 2 }), order("")))).toEqual([
    "id-reused: dead-letter",
    "failed: dead-letter",
  ]);
});

test("without Holdfast, everything comes again and nothing is done", async () => {
  const { process, server, worked } = start();
  server.meddle = () => Promise.reject(unavailable());
  expect(told(await process(order("a"), order("b")))).toEqual(["unavailable: redeliver", "unavailable: redeliver"]);
  expect(worked).toEqual([]);
});

test("what Holdfast refuses of the service's own words comes again, and is no message's fault", async () => {
  const { process, server } = start();
  server.meddle = () =>
    server.refuse(new Fault("FIELD_INVALID", "no", { violations: [{ field: "lease", allowed: "less" }] }));
  expect(told(await process(order("a")))).toEqual(["unavailable: redeliver"]);
});

test("a message without a group, or an input, is a dead letter, and the rest of its batch is done", async () => {
  const { process } = start({
    group: ({ id }) => {
      if (id === "x") throw new Error("no group");
      return "g";
    },
    input: ({ id }) => (id === "y" ? 1n : null),
  });
  expect(told(await process(order("a"), order("x"), order("y"), order("b")))).toEqual([
    ...["done: ack", "failed: dead-letter", "failed: dead-letter", "done: ack"],
  ]);
});

test("a channel that is closed by then is told of, and nothing rejects", async () => {
  const { consumer, clock } = start();
  const errors: unknown[] = [];
  const closed = () => {
    throw new Error("Channel closed");
  };
  await clock.until(
    rabbit(consumer, { ack: closed, nack: closed }, { onError: (e) => void errors.push(e) })(order("a")),
  );
  expect(errors).toMatchObject([{ message: "Channel closed" }]);
});

test("messages of a group are done in their order, and none behind one that comes again", async () => {
  const { process, worked } = start({
    group: ({ group }) => group,
    work: ({ id }) => {
      if (id === "x2") throw new Error("a bug");
    },
  });
  const of = (group: string, ...ids: readonly string[]) => ids.map((id) => order(id, { group }));
  const settled = await process(...of("x", "x1", "x2", "x3"), ...of("y", "y1", "y2"), order("z"));
  expect(told(settled)).toEqual([
    ...["done: ack", "failed: redeliver", "held-back: redeliver"],
    ...["done: ack", "done: ack", "done: ack"],
  ]);
  expect(worked.filter((id) => id.startsWith("y"))).toEqual(["y1", "y2"]);
  expect(worked).not.toContain("x3");
});

test("no more messages are worked on at once than concurrency says", async () => {
  let open = 0;
  let most = 0;
  const { process } = start({
    concurrency: 3,
    work: async () => {
      most = Math.max(most, ++open);
      await Promise.resolve();
      open--;
    },
  });
  await process(...Array.from({ length: 20 }, (_, at) => order(`o${at}`)));
  expect(most).toBe(3);
});

test("a dead letter is handed over, and comes again when that fails", async () => {
  const taken: string[] = [];
  let isBroken = true;
  const { process } = start({
    work: () => {
      throw terminal("no");
    },
    deadLetter: async ({ message }) => {
      if (isBroken) throw new Error("no queue");
      taken.push(message.id);
    },
  });
  expect(told(await process(order("a")))).toEqual(["failed: redeliver"]);
  isBroken = false;
  expect(told(await process(order("a")))).toEqual(["failed: dead-letter"]);
  expect(taken).toEqual(["a"]);
});

const failing: Partial<ConsumerOptions<Order>> = {
  work: ({ id }) => {
    if (id === "again") throw new Error("a bug");
    if (id === "never") throw terminal("no");
  },
};

test("SQS is told what failed, and leaves the rest deleted", async () => {
  const { consumer, clock } = start(failing);
  const Records = [order("a"), order("again"), order("never")];
  expect(await clock.until(sqs(consumer)({ Records }))).toEqual({
    batchItemFailures: [{ itemIdentifier: "m-again" }, { itemIdentifier: "m-never" }],
  });
  const taking = start({ ...failing, deadLetter: async () => {} });
  expect(await taking.clock.until(sqs(taking.consumer)({ Records }))).toEqual({
    batchItemFailures: [{ itemIdentifier: "m-again" }],
  });
});

test("a partition of Kafka stops at the first message that is to come again", async () => {
  const { consumer, clock, worked } = start({ ...failing, deadLetter: async () => {} });
  const messages = [order("a"), order("never"), order("again"), order("b")];
  const { through, stoppedAt, pauseMs } = await clock.until(kafka(consumer)({ messages }));
  expect(told(through)).toEqual(["done: ack", "failed: dead-letter"]);
  expect(stoppedAt?.message.id).toBe("again");
  expect(pauseMs).toBe(1_000);
  expect(worked).not.toContain("b");
});

test("Kafka is refused where a dead letter would have nowhere to go", () => {
  expect(() => kafka(start().consumer)).toThrow("Kafka has no dead letters: give deadLetter");
  expect(() => kafka(start({ onFailed: "ack", onIdReused: "ack" }).consumer)).not.toThrow();
});

test("RabbitMQ is told of each message: done, again, or dead", async () => {
  const { consumer, clock } = start(failing);
  const calls: unknown[] = [];
  const channel = {
    ack: ({ id }: Order) => calls.push(["ack", id]),
    nack: ({ id }: Order, allUpTo: boolean, requeue: boolean) => calls.push(["nack", id, { allUpTo, requeue }]),
  };
  const consume = rabbit(consumer, channel);
  for (const id of ["a", "again", "never"]) await clock.until(consume(order(id)));
  await consume(null);
  expect(calls).toEqual([
    ["ack", "a"],
    ["nack", "again", { allUpTo: false, requeue: true }],
    ["nack", "never", { allUpTo: false, requeue: false }],
  ]);
});

test.each([
  [{ concurrency: 0 }, "concurrency must be 1 to 1000"],
  [{ waitMs: 60_001 }, "waitMs must be 0 to 60000"],
  [{ answerTimeoutMs: 0 }, "answerTimeoutMs must be 1 to 2147483647"],
  [{ onFailed: "drop" }, 'onFailed must be "ack", "redeliver" or "dead-letter"'],
  [{ scope: "s".repeat(129) }, "scope must be 1 to 128 bytes"],
  [{ leaseMs: 10 }, "leaseMs must be 1000 to 3600000"],
  [{ group: "g" }, "group must be a function"],
  [{ key: undefined }, "key must be a function of the message"],
])("%o is refused, and told how it can be", (options, message) => {
  expect(() => createConsumer(createFakeServer().client(), { ...base, ...options } as ConsumerOptions<Order>)).toThrow(
    message,
  );
});

const base: ConsumerOptions<Order> = { scope: "s", key: () => "k", input: () => null, work: () => {} };
