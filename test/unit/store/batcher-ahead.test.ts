import { expect, test } from "vitest";
import { ConnectionLost } from "../../../src/store/postgres/errors.ts";
import { call, calls, setUpBatcher } from "./batch-bench.ts";
import { databaseError } from "./fake-database.ts";
import { settled } from "./manual-clock.ts";

const ahead = (aheadRowsMin: number) => setUpBatcher({ atOnce: 2, limits: { aheadRowsMin } });

test("while a batch is under way the next goes after it only if it is large enough, and a third does not", async () => {
  const { send, run, runs } = await ahead(3);
  await send(call("first"));
  await send(call("a"), call("b"));
  expect(runs).toHaveLength(1);
  await send(call("c"));
  expect(run(1).ids).toEqual(["a", "b", "c"]);
  await send(...calls(5));
  expect(runs).toHaveLength(2);
  await run(0).succeed();
  expect(run(2).ids).toHaveLength(5);
});

test("on a lane that takes one statement at a time nothing goes ahead, however much waits", async () => {
  const { send, run, runs } = await setUpBatcher({ limits: { aheadRowsMin: 1 } });
  await send(...calls(10));
  await send(...calls(10, "u"));
  expect(runs.map(({ ids }) => ids.length)).toEqual([10]);
  await run(0).succeed();
  expect(runs.map(({ ids }) => ids.length)).toEqual([10, 10]);
});

test("a crowd goes in halves, so that there is a batch under way while the callers of the other come again", async () => {
  const { send, run, runs } = await ahead(4);
  await send(...calls(8));
  expect(runs.map(({ ids }) => ids.length)).toEqual([4, 4]);
  for (let turn = 0; turn < 6; turn++) {
    const { ids } = run(turn);
    await run(turn).succeed();
    await send(...ids.map((id) => call(id)));
    expect(runs, "the other half is under way, and these have been sent after it").toHaveLength(turn + 3);
    expect(run(turn + 2).ids).toEqual(ids);
  }
});

test("what is too little for two batches goes in one", async () => {
  const { send, runs } = await ahead(4);
  await send(...calls(7));
  expect(runs.map(({ ids }) => ids.length)).toEqual([7]);
});

test("while statements take long, as behind a standby that is far away, nothing is halved and nothing goes ahead", async () => {
  const { send, run, runs, clock } = await ahead(4);
  await send(call("slow"));
  await clock.advance(101);
  await run(0).succeed();
  await send(...calls(8));
  expect(runs.slice(1).map(({ ids }) => ids.length)).toEqual([8]);
  await send(...calls(8, "u"));
  expect(runs, "they wait for its answer").toHaveLength(2);
  await clock.advance(100);
  await run(1).succeed();
  await settled();
  expect(
    runs.slice(2).map(({ ids }) => ids.length),
    "that was short",
  ).toEqual([4, 4]);
});

test("a statement that fails after a long time is a long one", async () => {
  const { send, run, runs, clock } = await ahead(4);
  const [slow] = await send(call("slow"));
  await clock.advance(3_000);
  await run(0).fail(databaseError("57014"));
  expect(slow?.state).toBe("failed");
  await clock.advance(1_000);
  await send(...calls(8));
  expect(runs.slice(1).map(({ ids }) => ids.length)).toEqual([8]);
});

test("of a key one call is under way at a time, also where a batch goes ahead", async () => {
  const { send, run, runs } = await ahead(1);
  await send(call("x1", { key: "x" }), call("a"));
  await send(call("x2", { key: "x" }), call("b"));
  expect(runs.map(({ ids }) => ids.join())).toEqual(["x1", "a"]);
  await run(1).succeed();
  expect(run(2).ids).toEqual(["b"]);
  await run(2).succeed();
  expect(runs, "x2 waits for x1").toHaveLength(3);
  await run(0).succeed();
  expect(run(3).ids).toEqual(["x2"]);
});

test("when the connection is lost under two batches, each is sent once more as it was", async () => {
  const { send, run, runs } = await ahead(2);
  const submitted = await send(...calls(4));
  const sent = runs.map(({ ids }) => ids.join());
  const lost = new ConnectionLost(new Error("for the test"));
  await run(0).fail(lost);
  await run(1).fail(lost);
  expect(runs.slice(2).map(({ ids }) => ids.join())).toEqual(sent);
  await run(2).succeed();
  await run(3).succeed();
  expect(submitted.map(({ state }) => state)).toEqual(new Array(4).fill("answered"));
});

test("a call whose deadline passes between two tries of its batch holds up no other of its key", async () => {
  const { send, submit, run, clock } = await ahead(1);
  const hasty = submit(call("1", { key: "x" }), clock.monotonicMs() + 10);
  await send(call("2", { key: "x" }));
  await clock.advance(10);
  await run(0).fail(databaseError("55P03"));
  expect(hasty.error).toMatchObject({ code: "DEADLINE_EXCEEDED" });
  expect(run(1).ids).toEqual(["2"]);
});
