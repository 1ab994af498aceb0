import { expect, test } from "vitest";
import { createEpoch } from "../../../src/store/postgres/epoch.ts";
import { ConnectionLost } from "../../../src/store/postgres/errors.ts";
import { createLane } from "../../../src/store/postgres/lane.ts";
import { call, setUpBatcher } from "./batch-bench.ts";
import { createFakeDatabase, type FakeDatabase } from "./fake-database.ts";
import { createManualClock, settled } from "./manual-clock.ts";

const unavailable = { code: "STORE_UNAVAILABLE", cause: { name: "NotDurableYet" } };

/** A lane that has passed its first barrier. */
async function openLane(atOnce: number) {
  const clock = createManualClock();
  const database = createFakeDatabase();
  const epoch = createEpoch();
  const deps = { open: database.open, epoch, clock, random: () => 0.5, waitingMax: null };
  const lane = createLane({ ...deps, atOnce });
  await lane.opened;
  await clock.advance(1_000);
  await lane.run(async () => "used");
  /** A statement whose answer is in the test's hands. */
  const send = () => {
    const answered = Promise.withResolvers<string>();
    const seen: { value?: string; error?: unknown } = {};
    lane
      .run(() => answered.promise)
      .then(
        (value) => Object.assign(seen, { value }),
        (error: unknown) => Object.assign(seen, { error }),
      );
    return { answer: () => answered.resolve("answer"), seen };
  };
  return { clock, database, epoch, lane, send };
}

/** From now on barriers return only when they are let. */
function holdBarriers(database: FakeDatabase): () => void {
  const gate = Promise.withResolvers<void>();
  database.barrierGate = gate.promise;
  return gate.resolve;
}

test.each([1, 2])(
  "with %i under way, what was sent before another session was lost is answered after the barrier",
  async (atOnce) => {
    const { database, epoch, send } = await openLane(atOnce);
    const all = Array.from({ length: atOnce }, send);
    await settled();
    const letBarriers = holdBarriers(database);
    epoch.suspect();
    for (const { answer } of all) answer();
    await settled();
    for (const { seen } of all) expect(seen).toEqual({});
    letBarriers();
    await settled();
    for (const { seen } of all) expect(seen).toEqual({ value: "answer" });
    expect(database.barriers, "the first one, and one more").toBe(2);
  },
);

test("one that was sent behind another before a session was lost is answered after the barrier, the other having been before", async () => {
  const { database, epoch, send } = await openLane(2);
  const [first, second] = [send(), send()];
  await settled();
  first.answer();
  await settled();
  expect(first.seen).toEqual({ value: "answer" });
  const letBarriers = holdBarriers(database);
  epoch.suspect();
  second.answer();
  await settled();
  expect(second.seen).toEqual({});
  letBarriers();
  await settled();
  expect(second.seen).toEqual({ value: "answer" });
});

test("without a barrier in time an answer is kept back, and the session and what else is under way there go on", async () => {
  const { clock, database, epoch, lane, send } = await openLane(2);
  const [first, second] = [send(), send()];
  await settled();
  const letBarriers = holdBarriers(database);
  epoch.suspect();
  first.answer();
  await clock.advance(250);
  expect(first.seen.error).toMatchObject(unavailable);
  expect(lane.isOpen()).toBe(true);
  letBarriers();
  await settled();
  second.answer();
  await settled();
  expect(second.seen).toEqual({ value: "answer" });
  expect(database.sessions).toHaveLength(1);
});

test("an answer that waits for the barrier counts as lost when that is run on a server of a newer epoch", async () => {
  const { database, epoch, send } = await openLane(1);
  const { answer, seen } = send();
  await settled();
  holdBarriers(database);
  epoch.suspect();
  answer();
  await settled();
  database.timeline = 2;
  database.barrierGate = null;
  database.sessions[0]?.die();
  await settled();
  expect(database.barriers).toBe(2);
  expect(seen.error).toBeInstanceOf(ConnectionLost);
});

test("an answer that waits for the barrier survives its session when another of the same server runs it", async () => {
  const { database, epoch, send } = await openLane(1);
  const { answer, seen } = send();
  await settled();
  holdBarriers(database);
  epoch.suspect();
  answer();
  await settled();
  database.barrierGate = null;
  database.sessions[0]?.die();
  await settled();
  expect(database.sessions).toHaveLength(2);
  expect(seen).toEqual({ value: "answer" });
});

test("after an answer has waited for a barrier, the next turn that finds no session is let wait as long as any other", async () => {
  const { clock, database, epoch, send } = await openLane(1);
  const first = send();
  await settled();
  const letBarriers = holdBarriers(database);
  epoch.suspect();
  first.answer();
  await clock.advance(200);
  letBarriers();
  await settled();
  expect(first.seen).toEqual({ value: "answer" });
  await clock.advance(10_000);
  database.refusing = true;
  database.sessions[0]?.die();
  await settled();
  const next = send();
  await clock.advance(249);
  expect(next.seen).toEqual({});
  await clock.advance(1);
  expect(next.seen.error).toMatchObject({ code: "STORE_UNAVAILABLE" });
});

test("a batch whose answer is not durable in time is not sent again: its callers are told that it is unavailable", async () => {
  const { clock, database, send, run, runs, told } = await setUpBatcher({ lanes: 2 });
  const [submitted] = await send(call("a"));
  holdBarriers(database);
  for (const session of database.sessions) if (session !== run(0).connection) session.die();
  await run(0).succeed();
  expect(submitted?.state).toBe("open");
  await clock.advance(250);
  expect(submitted?.error).toMatchObject(unavailable);
  expect(runs).toHaveLength(1);
  expect(told).toMatchObject({ retried: [], done: ["ok"] });
});
