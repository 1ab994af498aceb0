import { expect, test } from "vitest";
import { Fault } from "../../../src/domain/fault.ts";
import { ConnectionLost, HalfDone, NotStorable } from "../../../src/store/postgres/errors.ts";
import { call, calls, setUpBatcher } from "./batch-bench.ts";
import { databaseError } from "./fake-database.ts";
import { settled } from "./manual-clock.ts";

const unavailable = { code: "STORE_UNAVAILABLE", retryAfterMs: expect.any(Number) };

test.for(["40P01", "40001", "55P03"])("after %s the batch goes again, then in halves", async (code) => {
  const { send, run, told } = await setUpBatcher();
  const submitted = await send(...calls(4));
  const ids = run(0).ids;
  await run(0).fail(databaseError(code));
  expect(run(1).ids).toEqual(ids);
  await run(1).fail(databaseError(code));
  expect(run(2).ids).toEqual(ids.slice(0, 2));
  await run(2).succeed();
  expect(run(3).ids).toEqual(ids.slice(2));
  await run(3).succeed();
  expect(submitted.map(({ answer }) => answer)).toEqual(ids);
  expect(told).toMatchObject({ retried: [code, code], batches: [4], done: ["error", "error", "ok", "ok"] });
});

test("a row that stays locked is found by halving, and fails alone", async () => {
  const { send, run, runs } = await setUpBatcher();
  const submitted = await send(...calls(8));
  for (let i = 0; i < runs.length; i++) {
    if (run(i).ids.includes("t0005")) await run(i).fail(databaseError("55P03"));
    else await run(i).succeed();
  }
  expect(submitted[5]?.error).toMatchObject(unavailable);
  expect(submitted.filter(({ state }) => state === "answered")).toHaveLength(7);
});

test("halving ends when it has taken too long, so the lane moves on", async () => {
  const { send, run, runs, clock } = await setUpBatcher();
  const submitted = await send(...calls(256));
  for (let i = 0; i < runs.length; i++) {
    await clock.advance(1_000);
    if (run(i).ids.includes("t0000")) await run(i).fail(databaseError("55P03"));
    else await run(i).succeed();
  }
  expect(runs.length).toBeLessThanOrEqual(10);
  expect(submitted[0]?.error).toMatchObject(unavailable);
  expect(submitted[255]?.state).toBe("answered");
});

test("a call whose deadline passes while its batch is retried is told so, and is not sent again", async () => {
  const { submit, send, run, clock } = await setUpBatcher();
  const hasty = submit(call("hasty"), clock.monotonicMs() + 500);
  const [patient] = await send(call("patient"));
  expect(run(0).ids).toEqual(["hasty", "patient"]);
  await clock.advance(1_000);
  await run(0).fail(databaseError("55P03"));
  expect(hasty.error).toMatchObject({ code: "DEADLINE_EXCEEDED" });
  expect(run(1).ids).toEqual(["patient"]);
  await run(1).succeed();
  expect(patient?.state).toBe("answered");
});

test("a lost connection: the same batch once more on a new one, late calls with it, for it may have taken effect", async () => {
  const { submit, send, run, clock, database, told } = await setUpBatcher();
  const hasty = submit(call("hasty"), clock.monotonicMs() + 500);
  await send(call("patient"));
  await clock.advance(1_000);
  await run(0).fail(new ConnectionLost(new Error("reset")));
  expect(run(1).ids).toEqual(["hasty", "patient"]);
  expect(run(1).connection).not.toBe(run(0).connection);
  expect(database.sessions[0]?.isOver).toBe(true);
  await run(1).succeed();
  expect(hasty.state).toBe("answered");
  expect(told).toMatchObject({ retried: ["connection"], batches: [2] });
});

test("a batch that loses two connections is given up", async () => {
  const { send, run, runs } = await setUpBatcher();
  const [submitted] = await send(call("a"));
  await run(0).fail(new ConnectionLost(new Error("reset")));
  await run(1).fail(new ConnectionLost(new Error("reset")));
  expect(submitted?.error).toMatchObject(unavailable);
  expect(runs).toHaveLength(2);
});

test("after a batch that was done by half nobody is told that his call was never sent", async () => {
  const { submit, send, run, clock } = await setUpBatcher();
  const hasty = submit(call("hasty"), clock.monotonicMs() + 500);
  const [patient] = await send(call("patient"));
  await clock.advance(1_000);
  await run(0).fail(new HalfDone(databaseError("22001")));
  expect(hasty.error).toMatchObject(unavailable);
  expect(run(1).ids).toEqual(["patient"]);
  await run(1).succeed();
  expect(patient?.state).toBe("answered");
});

test("a bug in the second half reaches every call as it is", async () => {
  const { send, run } = await setUpBatcher();
  const bug = databaseError("42703");
  const submitted = await send(...calls(2));
  await run(0).fail(new HalfDone(bug));
  expect(submitted.map(({ error }) => error)).toEqual([bug, bug]);
});

test.for(["57P01", "57P02", "08006", "26000", "0A000"])("%s is taken for a lost connection", async (code) => {
  const { send, run, told } = await setUpBatcher();
  const [submitted] = await send(call("a"));
  await run(0).fail(databaseError(code));
  expect(run(1).connection).not.toBe(run(0).connection);
  await run(1).succeed();
  expect(submitted?.state).toBe("answered");
  expect(told.retried).toEqual([code]);
});

test("a lane that cannot reconnect answers what waits within a quarter of a second, and later calls at once", async () => {
  const { send, submit, run, runs, clock, database } = await setUpBatcher();
  const submitted = await send(call("sent"));
  submitted.push(...(await send(call("queued"))));
  database.refusing = true;
  await run(0).fail(new ConnectionLost(new Error("reset")));
  await clock.advance(249);
  expect(submitted.map(({ state }) => state)).toEqual(["open", "open"]);
  await clock.advance(1);
  expect(submitted.map(({ error }) => error)).toEqual([
    expect.objectContaining(unavailable),
    expect.objectContaining(unavailable),
  ]);
  await clock.advance(60_000);
  const late = submit(call("late"));
  await clock.advance(0);
  expect(late.error).toMatchObject(unavailable);
  database.refusing = false;
  await clock.advance(1_000);
  const [served] = await send(call("served"));
  await run(-1).succeed();
  expect(served?.state).toBe("answered");
  expect(runs.flatMap(({ ids }) => ids)).toEqual(["sent", "served"]);
});

test.for([
  ["22001", databaseError("22001")],
  ["23514", databaseError("23514")],
  ["54000", databaseError("54000")],
  ["22P03", new NotStorable("for the test")],
] as const)("after %s each call goes alone, and the poison fails alone", async ([code, cause]) => {
  const { send, run, runs, told } = await setUpBatcher();
  const submitted = await send(...calls(4));
  for (let i = 0; i < runs.length; i++) {
    if (run(i).ids.includes("t0002")) await run(i).fail(cause);
    else await run(i).succeed();
  }
  expect(submitted.map(({ answer }) => answer)).toEqual(["t0000", "t0001", null, "t0003"]);
  expect(submitted[2]?.error).toMatchObject({ code: "INTERNAL", cause });
  expect(runs).toHaveLength(5);
  expect(told.retried).toEqual([code]);
});

test.for(["53100", "53200", "53300", "57014", "58030"])(
  "after %s nothing is tried again, and the lane rests",
  async (code) => {
    const { send, run, runs, clock } = await setUpBatcher();
    const [first] = await send(call("first"));
    const [second] = await send(call("second"));
    await run(0).fail(databaseError(code));
    expect(first?.error).toMatchObject(unavailable);
    expect(runs).toHaveLength(1);
    await clock.advance(25); // Half of the first ceiling of 50 ms: the jitter in these tests.
    expect(run(1).ids).toEqual(["second"]);
    await run(1).succeed();
    expect(second?.state).toBe("answered");
  },
);

test("the rest grows while the shortage lasts, up to a second, and is forgotten with the first success", async () => {
  const { send, run, runs, clock } = await setUpBatcher();
  const rests: number[] = [];
  await send(call("0"));
  for (let i = 0; i < 8; i++) {
    await send(call(`${i + 1}`));
    await run(-1).fail(databaseError("53100"));
    const before = clock.monotonicMs();
    for (const count = runs.length; runs.length === count; ) await clock.advance(1);
    rests.push(clock.monotonicMs() - before);
  }
  expect(rests).toEqual([25, 50, 100, 200, 400, 500, 500, 500]);
  await run(-1).succeed();
  const [last] = await send(call("last"));
  await run(-1).succeed();
  expect(last?.state).toBe("answered");
});

test("a database that is no primary any more costs every connection, not only the one that found out", async () => {
  const { send, run, runs, database, lanes } = await setUpBatcher({ lanes: 2 });
  const all = calls(20);
  await send(...all);
  const found = run(0);
  await found.fail(databaseError("25006"));
  await settled();
  expect(runs.length).toBe(3);
  expect(database.sessions.slice(0, 2).map(({ isOver }) => isOver)).toEqual([true, true]);
  expect(lanes.status().open).toBe(2);
  const idle = run(1).ids;
  const moved = all.find(({ id }) => idle.includes(id));
  // The other's answer comes from what is no primary: it counts for nothing and the batch goes again.
  await run(1).succeed();
  expect(run(3).ids).toEqual(idle);
  expect(moved).toBeDefined();
  expect(
    new Set([run(2).connection, run(3).connection]).isDisjointFrom(new Set([run(0).connection, run(1).connection])),
  ).toBe(true);
  expect(database.sessions).toHaveLength(4);
});

test.for([
  ["a bug that the statement's twin reports", new Error("bug: row mix-up")],
  ["an error of the statement itself", databaseError("42703")],
  ["a fault", new Fault("INTERNAL", "for the test")],
] as const)("%s reaches every call of the batch as it is, and the next batch goes on", async ([, error]) => {
  const { send, run } = await setUpBatcher();
  const submitted = await send(...calls(3));
  await run(0).fail(error);
  expect(submitted.map((each) => each.error)).toEqual([error, error, error]);
  const [next] = await send(call("next"));
  await run(1).succeed();
  expect(next?.state).toBe("answered");
});

test("answers that do not match the calls in number are a bug, and nobody is given another's", async () => {
  const { send, run } = await setUpBatcher();
  const submitted = await send(...calls(3));
  await run(0).answer(["t0000", "t0001"]);
  for (const { error } of submitted) expect(error).toMatchObject({ message: expect.stringMatching(/^bug: /) });
});
