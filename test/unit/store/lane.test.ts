import { expect, test } from "vitest";
import { createEpoch } from "../../../src/store/postgres/epoch.ts";
import { ConnectionLost } from "../../../src/store/postgres/errors.ts";
import { createLane } from "../../../src/store/postgres/lane.ts";
import { createWakeUp } from "../../../src/store/postgres/wake-up.ts";
import { createFakeDatabase } from "./fake-database.ts";
import { createManualClock, settled } from "./manual-clock.ts";

function setUp() {
  const clock = createManualClock();
  const database = createFakeDatabase();
  const open = (waitingMax: number | null = null, atOnce = 1) =>
    createLane({ open: database.open, epoch: createEpoch(), clock, random: () => 0.5, atOnce, waitingMax });
  return { clock, database, open };
}

const unavailable = { code: "STORE_UNAVAILABLE" };

test("turns that were refused while the database is down leave nothing behind", async () => {
  const { clock, database, open } = setUp();
  database.refusing = true;
  const lane = open();
  await clock.advance(10_000);
  for (let i = 0; i < 100; i++) {
    const turn = lane.run(async () => "used");
    const refused = expect(turn).rejects.toMatchObject(unavailable);
    await clock.advance(0);
    await refused;
  }
  expect(lane.waiting()).toBe(0);
  database.refusing = false;
  await clock.advance(1_000);
  expect(await lane.run(async () => "used")).toBe("used");
});

test("turns that were refused while a barrier does not return leave nothing behind, and the next use what it brings", async () => {
  const { clock, database, open } = setUp();
  const gate = Promise.withResolvers<void>();
  database.barrierGate = gate.promise;
  const lane = open();
  await clock.advance(10_000);
  for (let i = 0; i < 100; i++) {
    const refused = expect(lane.run(async () => "used")).rejects.toMatchObject(unavailable);
    await clock.advance(250);
    await refused;
  }
  expect(lane.waiting()).toBe(0);
  gate.resolve();
  await settled();
  expect(await lane.run(async () => "used")).toBe("used");
  expect(database.barriers).toBe(1);
});

test("a turn waits for the session, and is counted while it does", async () => {
  const { clock, database, open } = setUp();
  database.refusing = true;
  const lane = open();
  const turn = lane.run(async () => "used");
  await settled();
  expect(lane.waiting()).toBe(1);
  database.refusing = false;
  await clock.advance(100);
  expect(await turn).toBe("used");
  expect(lane.waiting()).toBe(0);
});

test.each<[string, number | null, string]>([
  ["so many wait at most", 8, "refused"],
  ["any number may wait", null, "used"],
])("a lane that closes finishes what is under way; what waits, where %s, is %s", async (_, waitingMax, end) => {
  const { clock, open } = setUp();
  const lane = open(waitingMax);
  await clock.advance(1_000);
  const gate = Promise.withResolvers<void>();
  const underWay = lane.run(() => gate.promise.then(() => "used"));
  await settled();
  const told: string[] = [];
  const waiting = lane
    .run(async () => "used")
    .then(
      (answer) => void told.push(answer),
      (error: { code: string }) => void told.push(error.code === "STORE_UNAVAILABLE" ? "refused" : error.code),
    );
  const closed = lane.close();
  await settled();
  expect(told, "at once, or in its turn").toEqual(end === "refused" ? ["refused"] : []);
  gate.resolve();
  expect(await underWay).toBe("used");
  await Promise.all([waiting, closed]);
  expect(told).toEqual([end]);
  await expect(lane.run(async () => "used")).rejects.toMatchObject(unavailable);
});

test("a lane on which too many wait refuses one more at once", async () => {
  const { clock, open } = setUp();
  const lane = open(2);
  await clock.advance(1_000);
  const gate = Promise.withResolvers<void>();
  const underWay = lane.run(() => gate.promise);
  await settled();
  const waiting = [lane.run(async () => 1), lane.run(async () => 2)];
  await expect(lane.run(async () => 3)).rejects.toMatchObject({ code: "OVERLOADED" });
  const ahead = lane.run(async () => 4, { ahead: true });
  gate.resolve();
  await underWay;
  expect(await Promise.all([...waiting, ahead])).toEqual([1, 2, 4]);
});

test("a wake-up wakes those who wait now, and forgets those who gave up", async () => {
  const wakeUp = createWakeUp();
  const over = new AbortController();
  const [patient, hasty] = [wakeUp.next(new AbortController().signal), wakeUp.next(over.signal)];
  over.abort(new Error("given up"));
  await expect(hasty).rejects.toThrow("given up");
  await expect(wakeUp.next(over.signal)).rejects.toThrow("given up");
  expect(wakeUp.waiting).toBe(1);
  wakeUp.all();
  await patient;
  expect(wakeUp.waiting).toBe(0);
});

test("a lane that takes two turns at a time gives both of them one session, and the third waits", async () => {
  const { clock, database, open } = setUp();
  const lane = open(null, 2);
  await clock.advance(1_000);
  const used: unknown[] = [];
  const gate = Promise.withResolvers<void>();
  const turn = (last = false) =>
    lane.run(async (connection) => {
      used.push(connection);
      if (!last) await gate.promise;
    });
  const both = [turn(), turn()];
  await settled();
  expect(used).toHaveLength(2);
  expect(new Set(used).size).toBe(1);
  expect(lane.isBusy()).toBe(true);
  const third = turn(true);
  await settled();
  expect(used).toHaveLength(2);
  gate.resolve();
  await Promise.all([...both, third]);
  expect(lane.isBusy()).toBe(false);
  expect(database.sessions).toHaveLength(1);
});

test("when a session ends under two turns, both are told, and the next one is opened once", async () => {
  const { clock, database, open } = setUp();
  const lane = open(null, 2);
  await clock.advance(1_000);
  const lost = new ConnectionLost(new Error("for the test"));
  const failing = [1, 2].map(() => lane.run(() => Promise.reject(lost)));
  expect((await Promise.allSettled(failing)).map(({ status }) => status)).toEqual(["rejected", "rejected"]);
  await clock.advance(1_000);
  expect(await lane.run(async () => "used")).toBe("used");
  expect(database.sessions).toHaveLength(2);
});
