import { EventEmitter } from "node:events";
import type { Client } from "pg";
import { expect, test } from "vitest";
import { overClient } from "../../../src/store/postgres/over-client.ts";
import { createManualClock, settled } from "./manual-clock.ts";

/** A driver whose answers are in the test's hands. */
function setUp() {
  const clock = createManualClock();
  const answers: (() => void)[] = [];
  const query = () => new Promise((resolve) => answers.push(() => resolve({ rows: [] })));
  const connection = { stream: { destroy: () => undefined } };
  const client = Object.assign(new EventEmitter(), { query, connection }) as unknown as Client;
  const { session } = overClient(client, { url: "", clock, answerTimeoutMs: 100 });
  const send = (name: string) =>
    session.query({ name, text: "select" }, []).then(
      () => "answered",
      (error: Error) => String((error.cause as Error).message),
    );
  return { clock, answers, session, send };
}

test("a statement that was sent behind another has its own time after the other's", async () => {
  const { clock, answers, send } = setUp();
  const [first, second] = [send("first"), send("second")];
  await clock.advance(90);
  answers[0]?.();
  expect(await first).toBe("answered");
  await clock.advance(90);
  answers[1]?.();
  expect(await second).toBe("answered");
  await settled();
  expect(clock.sleepers, "no timer is left behind").toBe(0);
});

test("the time of one that was sent behind another begins when the other was answered, and is no longer than its own", async () => {
  const { clock, answers, send } = setUp();
  const [first, second] = [send("first"), send("second")];
  await clock.advance(50);
  answers[0]?.();
  expect(await first).toBe("answered");
  await clock.advance(99);
  const third = send("third");
  await clock.advance(1);
  for (const answer of answers) answer();
  expect(await Promise.all([second, third])).toEqual(Array(2).fill("no answer to second within 100 ms"));
  expect(clock.sleepers, "no timer is left behind").toBe(0);
});

test("one that is settled before those ahead of it leaves them their time", async () => {
  const { clock, answers, session, send } = setUp();
  void send("first");
  const second = send("second");
  await clock.advance(50);
  answers[1]?.();
  expect(await second).toBe("answered");
  await clock.advance(49);
  expect(clock.sleepers).toBe(1);
  await clock.advance(1);
  expect((await session.over).message).toBe("no answer to first within 100 ms");
});

test("without an answer to the first in its time the session ends, and with it what was sent behind", async () => {
  const { clock, session, send } = setUp();
  void send("first");
  void send("second");
  await clock.advance(100);
  expect((await session.over).message).toBe("no answer to first within 100 ms");
});
