import { expect, test } from "vitest";
import type { Connection } from "../../../src/store/postgres/connection.ts";
import { COLLECTED_IDS_MAX, createPostgresNotifier } from "../../../src/waiting/postgres/notifier.ts";
import { fromPayload } from "../../../src/waiting/wake-id.ts";
import { createManualClock, settled } from "../store/manual-clock.ts";

const idOf = (n: number) => String(n).padStart(16, "0");

interface Held {
  readonly ids: readonly string[];
  answer(): Promise<void>;
  fail(error: unknown): Promise<void>;
}

/** A notifier whose statements are answered when the test says so. */
function setUp() {
  const clock = createManualClock();
  const statements: Held[] = [];
  const told = { sent: 0, dropped: 0, causes: new Set<unknown>() };
  const connection: Connection = {
    query(_statement, [payloads]) {
      const { promise, resolve, reject } = Promise.withResolvers<readonly never[]>();
      statements.push({
        ids: (payloads as string[]).flatMap(fromPayload),
        answer() {
          resolve([]);
          return settled();
        },
        fail(error) {
          reject(error);
          return settled();
        },
      });
      return promise;
    },
  };
  const notifier = createPostgresNotifier({
    run: (work) => work(connection),
    clock,
    observer: {
      notificationsSent(ids) {
        told.sent += ids;
      },
      notificationsDropped(ids, cause) {
        told.dropped += ids;
        told.causes.add(cause);
      },
    },
  });
  /** The nth statement, counted from 0. */
  const statement = (n: number) => statements[n] ?? fail(`there is no statement ${n}`);
  return { clock, notifier, statements, statement, told };
}

function fail(message: string): never {
  throw new Error(message);
}

test("an idle one sends at once", () => {
  const { notifier, statement } = setUp();
  notifier.notify(idOf(1));
  expect(statement(0).ids).toEqual([idOf(1)]);
});

test("a busy one collects, each id once, and statements are 2 ms apart", async () => {
  const { clock, notifier, statements, statement, told } = setUp();
  notifier.notify(idOf(1));
  for (const n of [2, 3, 2, 1]) notifier.notify(idOf(n));
  await statement(0).answer();
  expect(statements).toHaveLength(1);
  await clock.advance(1);
  notifier.notify(idOf(4));
  expect(statements).toHaveLength(1);
  await clock.advance(1);
  expect(statement(1).ids).toEqual([idOf(2), idOf(3), idOf(1), idOf(4)]);
  await statement(1).answer();
  expect(told).toMatchObject({ sent: 5, dropped: 0 });
});

test("one that took longer than that is followed at once", async () => {
  const { clock, notifier, statement } = setUp();
  notifier.notify(idOf(1));
  notifier.notify(idOf(2));
  await clock.advance(50);
  await statement(0).answer();
  expect(statement(1).ids).toEqual([idOf(2)]);
});

test("what could not be sent is dropped with its cause and not sent again; what was collected meanwhile goes", async () => {
  const { clock, notifier, statement, told } = setUp();
  notifier.notify(idOf(1));
  notifier.notify(idOf(2));
  const lost = new Error("lost");
  await statement(0).fail(lost);
  expect(told).toEqual({ sent: 0, dropped: 1, causes: new Set([lost]) });
  await clock.advance(2);
  expect(statement(1).ids).toEqual([idOf(2)]);
});

test("it collects so many and no more: the others are dropped and counted", async () => {
  const { clock, notifier, statement, told } = setUp();
  const MORE = 10;
  notifier.notify(idOf(0));
  for (let n = 1; n <= COLLECTED_IDS_MAX + MORE; n++) notifier.notify(idOf(n));
  notifier.notify(idOf(1)); // It is among them already.
  expect(told.dropped).toBe(MORE);
  await statement(0).answer();
  await clock.advance(2);
  expect(statement(1).ids).toHaveLength(COLLECTED_IDS_MAX);
});

test("a probe is sent at once, beside what is collected, and tells whoever sends it when it could not go", async () => {
  const { notifier, statements, statement } = setUp();
  notifier.notify(idOf(1));
  const probed = notifier.probe("probe");
  expect(statements).toHaveLength(2);
  const lost = new Error("lost");
  const told = expect(probed).rejects.toBe(lost);
  await statement(1).fail(lost);
  await told;
});

test("closing waits for what is under way and for what was collected, and leaves no timer", async () => {
  const { clock, notifier, statement, told } = setUp();
  notifier.notify(idOf(1));
  notifier.notify(idOf(2));
  let isClosed = false;
  const closing = notifier[Symbol.asyncDispose]().then(() => {
    isClosed = true;
  });
  await statement(0).answer();
  await clock.advance(2);
  expect(isClosed).toBe(false);
  await statement(1).answer();
  await clock.advance(2);
  await closing;
  expect(told.sent).toBe(2);
  expect(clock.sleepers).toBe(0);
});
