import { expect, test } from "vitest";
import { keyText } from "../../../src/domain/key.ts";
import { ConnectionLost } from "../../../src/store/postgres/errors.ts";
import { createFakeDatabase, createFakeLanes, databaseError } from "./fake-database.ts";
import { createManualClock, settled } from "./manual-clock.ts";

async function setUp(count = 1) {
  const clock = createManualClock();
  const database = createFakeDatabase();
  const lanes = createFakeLanes(database, clock, count);
  await lanes.opened();
  await clock.advance(1_000);
  const use = (lane = 0) => lanes.run(lane, async () => "used");
  /** Keeps what became of it, so that a rejection is handled. */
  const watch = <T>(promise: Promise<T>) => {
    const seen: { value?: T; error?: unknown } = {};
    promise.then(
      (value) => Object.assign(seen, { value }),
      (error: unknown) => Object.assign(seen, { error }),
    );
    return seen;
  };
  return { clock, database, lanes, use, watch };
}

const unavailable = { code: "STORE_UNAVAILABLE" };

test("equal keys share a lane, and keys spread over all lanes", async () => {
  const { lanes } = await setUp(3);
  const laneOf = (key: string) => lanes.laneOf(keyText({ tenant: "t", scope: "s", key }));
  const keys = Array.from({ length: 300 }, (_, i) => `key-${i}`);
  expect(keys.map(laneOf)).toEqual(keys.map(laneOf));
  for (const lane of [0, 1, 2]) expect(keys.filter((key) => laneOf(key) === lane).length).toBeGreaterThan(60);
});

test("a lane is used by one at a time, in order", async () => {
  const { lanes } = await setUp();
  const events: string[] = [];
  const gate = Promise.withResolvers<void>();
  const first = lanes.run(0, async () => {
    events.push("first begins");
    await gate.promise;
    events.push("first ends");
  });
  const second = lanes.run(0, async () => {
    events.push("second");
  });
  await settled();
  expect(lanes.status()).toMatchObject({ lanes: 1, open: 1, busy: 1, trouble: null });
  gate.resolve();
  await Promise.all([first, second]);
  expect(events).toEqual(["first begins", "first ends", "second"]);
  expect(lanes.status().busy).toBe(0);
});

test("no lane is used before the barrier of its epoch has returned, and one barrier serves all lanes", async () => {
  const { database, use, watch } = await setUp(3);
  const gate = Promise.withResolvers<void>();
  database.barrierGate = gate.promise;
  const used = [0, 1, 2].map((lane) => watch(use(lane)));
  await settled();
  expect(used).toEqual([{}, {}, {}]);
  gate.resolve();
  await settled();
  expect(used.map(({ value }) => value)).toEqual(["used", "used", "used"]);
  expect(database.barriers).toBe(1);
  await use(1);
  expect(database.barriers).toBe(1);
});

test("losing one session makes every lane wait for a new barrier, idle sessions included", async () => {
  const { database, use } = await setUp(2);
  await use(1);
  expect(database.barriers).toBe(1);
  database.sessions[0]?.die();
  await settled();
  await use(1);
  expect(database.barriers).toBe(2);
});

test("while the barrier does not return the store is unavailable, and it is tried on once only", async () => {
  const { clock, database, use, watch } = await setUp();
  const gate = Promise.withResolvers<void>();
  database.barrierGate = gate.promise;
  const first = watch(use());
  await clock.advance(250);
  expect(first.error).toMatchObject(unavailable);
  const second = watch(use());
  await clock.advance(0);
  expect(second.error).toMatchObject(unavailable);
  gate.resolve();
  await settled();
  expect(await use()).toBe("used");
  expect(database.barriers).toBe(1);
});

test("a barrier that fails on one session is run on another", async () => {
  const { clock, database, use, watch } = await setUp(2);
  const gate = Promise.withResolvers<void>();
  database.barrierGate = gate.promise;
  const first = watch(use(0));
  const second = watch(use(1));
  await settled();
  database.barrierGate = null;
  database.sessions[0]?.die();
  await clock.advance(100);
  expect([first.value, second.value]).toEqual(["used", "used"]);
});

test("after a restart of the database the sessions of the former epoch are given up, also those that lie idle", async () => {
  const { database, use, lanes } = await setUp(2);
  await use(1);
  database.startedAt = 2;
  database.sessions[0]?.die();
  await settled();
  expect(database.sessions[1]?.isOver).toBe(true);
  expect(lanes.status().open).toBe(2);
  await use(0);
  expect(await use(1)).toBe("used");
  expect(database.sessions).toHaveLength(4);
  expect(database.sessions[1]?.isOver).toBe(true);
});

test("an answer that arrives when a newer epoch is known counts as lost", async () => {
  const { clock, database, lanes, watch } = await setUp(2);
  const gate = Promise.withResolvers<void>();
  const slow = watch(lanes.run(1, () => gate.promise));
  await settled();
  database.timeline = 2;
  database.sessions[0]?.die();
  await clock.advance(100);
  gate.resolve();
  await settled();
  expect(slow.error).toBeInstanceOf(ConnectionLost);
});

test.for([
  ["another cluster", { systemIdentifier: "7000000000000000002" }],
  ["a lower timeline than one seen before", { timeline: 1 }],
  ["a standby", { standby: true }],
] as const)("%s is refused, and used again only when it is right again", async ([, change]) => {
  const { clock, database, lanes, use, watch } = await setUp();
  database.timeline = 2;
  database.sessions[0]?.die();
  await clock.advance(100);
  expect(await use()).toBe("used");
  const right = { systemIdentifier: database.systemIdentifier, timeline: 2, standby: false };
  Object.assign(database, change);
  database.sessions.at(-1)?.die();
  await clock.advance(5_000);
  const refused = watch(use());
  await clock.advance(0);
  expect(refused.error).toMatchObject({ code: "STORE_UNAVAILABLE", cause: { name: "WrongPrimary" } });
  expect(lanes.status()).toMatchObject({ open: 0, trouble: { name: "WrongPrimary" } });
  Object.assign(database, right);
  await clock.advance(1_000);
  expect(await use()).toBe("used");
});

test("a role that may not ask for the cluster's identity is served all the same", async () => {
  const { clock, database, use } = await setUp();
  database.systemIdentifier = null;
  database.sessions[0]?.die();
  await clock.advance(100);
  expect(await use()).toBe("used");
});

test("attempts to reconnect are ever rarer, up to one in a second at most", async () => {
  const { clock, database, lanes } = await setUp();
  let attempts = 0;
  const open = database.open;
  database.open = () => {
    attempts++;
    return open();
  };
  const watched = createFakeLanes(database, clock, 1, () => 1);
  await watched.opened();
  await clock.advance(1_000);
  database.refusing = true;
  for (const session of database.sessions) session.die();
  attempts = 0;
  await clock.advance(60_000);
  expect(attempts).toBeGreaterThan(55);
  expect(attempts).toBeLessThan(70);
  await Promise.all([lanes.close(), watched.close()]);
  expect(clock.sleepers).toBe(0);
});

test("an error of the work itself leaves the session as it is", async () => {
  const { database, lanes, use } = await setUp();
  const error = databaseError("22001");
  await expect(lanes.run(0, () => Promise.reject(error))).rejects.toBe(error);
  expect(await use()).toBe("used");
  expect(database.sessions).toHaveLength(1);
});

test("closing lets what waits finish, says goodbye, and refuses what comes later", async () => {
  const { database, lanes, use } = await setUp();
  const gate = Promise.withResolvers<string>();
  const first = lanes.run(0, () => gate.promise);
  const second = use();
  const closing = lanes.close();
  await expect(use()).rejects.toMatchObject(unavailable);
  gate.resolve("done");
  expect(await first).toBe("done");
  expect(await second).toBe("used");
  await closing;
  expect(database.sessions.map(({ isOver }) => isOver)).toEqual([true]);
});
