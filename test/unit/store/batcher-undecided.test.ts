import { expect, test } from "vitest";
import { ConnectionLost } from "../../../src/store/postgres/errors.ts";
import { type BenchOptions, batcherOver, call, calls, openLanes } from "./batch-bench.ts";
import { settled } from "./manual-clock.ts";

type Bench = ReturnType<typeof batcherOver>;

/** As claims and reclaims: what the first cannot decide is for the second, and the other way round. */
async function setUpPair(limits: BenchOptions["limits"] = {}) {
  // A batch of each at a time.
  const { clock, lanes } = await openLanes({ atOnce: 2 });
  const first: Bench = batcherOver(lanes, clock, {
    limits,
    undecided: { batcher: () => second.batcher, isRound: false },
  });
  const second: Bench = batcherOver(lanes, clock, {
    limits,
    undecided: { batcher: () => first.batcher, isRound: true },
  });
  return { clock, first, second };
}

test("what one batcher leaves undecided the other decides, and the caller is told", async () => {
  const { first, second } = await setUpPair();
  const [a, b] = await first.send(call("a"), call("b"));
  await first.run(0).answer([null, "b"]);
  expect([a?.state, b?.state]).toEqual(["open", "answered"]);
  expect(second.run(0).ids).toEqual(["a"]);
  await second.run(0).succeed();
  expect(a).toMatchObject({ state: "answered", answer: "a" });
  expect(first.told.undecided, "it is the usual way").toBe(0);
});

test("to and fro is a round, and after three the store is unavailable", async () => {
  const { first, second } = await setUpPair();
  const [a] = await first.send(call("a"));
  for (let round = 0; round < 3; round++) {
    expect(a?.state).toBe("open");
    await first.run(round).answer([null]);
    await second.run(round).answer([null]);
  }
  expect(a?.error).toMatchObject({ code: "STORE_UNAVAILABLE" });
  expect([first.runs.length, second.runs.length]).toEqual([3, 3]);
  expect(second.told.undecided).toBe(2);
});

test("a call is not said to be unsent by the one when it was sent by the other, and its answer lost", async () => {
  const { first, second, clock } = await setUpPair();
  const a = first.submit(call("a"), clock.monotonicMs() + 100);
  await settled();
  await first.run(0).fail(new ConnectionLost(new Error("for the test")));
  await clock.advance(100);
  await first.run(1).answer([null]);
  expect(second.runs).toEqual([]);
  expect(a.error).toMatchObject({ code: "STORE_UNAVAILABLE" });
});

/** The newest batch is left undecided as a whole. */
async function handOver({ run }: Bench) {
  const newest = run(-1);
  await newest.answer(newest.ids.map(() => null));
}

test("what is handed over waits for its turn there: one tenant's flood delays no other's, and a key's stay in order", async () => {
  const { first, second } = await setUpPair({ rowsMax: 4 });
  const flood = calls(4, "flood");
  for (let batch = 0; batch < 5; batch++) {
    await first.send(...flood.map(({ id, key }) => call(`${batch}-${id}`, { tenant: key.tenant, key: key.key })));
    await handOver(first);
  }
  const [quiet] = await first.send(call("quiet", { tenant: "u" }));
  await handOver(first);
  expect(quiet?.state).toBe("open");
  await second.run(0).succeed();
  expect(second.run(1).ids).toContain("quiet");
  await second.run(1).succeed();
  for (let next = 2; next < second.runs.length; next++) await second.run(next).succeed();
  const ofOneKey = second.runs.flatMap(({ ids }) => ids).filter((id) => id.endsWith("flood0000"));
  expect(ofOneKey).toEqual([0, 1, 2, 3, 4].map((batch) => `${batch}-flood0000`));
});

test("what comes back because it lost a round goes before all that waits", async () => {
  const { first, second } = await setUpPair({ rowsMax: 2 });
  await first.send(call("a"));
  await handOver(first);
  await first.send(call("blocker"));
  await first.send(...calls(8));
  await second.run(0).answer([null]);
  await first.run(1).succeed();
  expect(first.run(2).ids).toContain("a");
});

test("what is handed over is never shed, and has its room where it came in until it is settled: a flood is bounded", async () => {
  const { first, second } = await setUpPair({ queueCallsMax: 4 });
  const [a, b] = await first.send(call("a"), call("b"));
  await handOver(first);
  const [more] = await first.send(call("more"));
  expect(more?.error).toMatchObject({ code: "OVERLOADED" });
  const [others] = await first.send(call("others", { tenant: "u" }));
  await first.run(1).succeed();
  expect(others?.state, "another tenant has its share still").toBe("answered");
  await second.run(0).succeed();
  expect([a?.state, b?.state]).toEqual(["answered", "answered"]);
  const [later] = await first.send(call("later"));
  await first.run(2).succeed();
  expect(later?.state).toBe("answered");
});

test("the followers of a call that is handed over are sent themselves, and follow it there", async () => {
  const { first, second } = await setUpPair();
  const [leader, follower] = await first.send(call("1", { key: "x" }), call("2", { key: "x" }));
  await first.run(0).answer([null]);
  expect(second.run(0).ids).toEqual(["1"]);
  await second.run(0).succeed();
  expect(leader?.state).toBe("answered");
  await first.run(1).succeed();
  expect(follower).toMatchObject({ state: "answered", answer: "2" });
});

test("closing waits for what was handed over, to and fro", async () => {
  const { first, second } = await setUpPair();
  const [a] = await first.send(call("a"));
  let isClosed = false;
  const closing = Promise.all([first.batcher.close(), second.batcher.close()]).then(() => {
    isClosed = true;
  });
  await first.run(0).answer([null]);
  await second.run(0).answer([null]);
  expect(isClosed).toBe(false);
  await first.run(1).succeed();
  await closing;
  expect(a?.state).toBe("answered");
});
