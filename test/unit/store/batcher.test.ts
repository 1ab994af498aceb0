import { expect, test } from "vitest";
import { keyText } from "../../../src/domain/key.ts";
import { call, calls, setUpBatcher } from "./batch-bench.ts";
import { settled } from "./manual-clock.ts";

test("a call to an idle lane is sent at once, and those that come meanwhile go together with the next batch", async () => {
  const { send, run, told, clock } = await setUpBatcher();
  await send(call("a"));
  expect(run(0).ids).toEqual(["a"]);
  await send(call("c"));
  await clock.advance(7);
  await send(call("b"));
  expect(told.batches).toEqual([1]);
  await run(0).succeed();
  expect(run(1).ids).toEqual(["b", "c"]);
  expect(told.waitsMs).toEqual([0, 7]);
});

test("calls made in one go are sent in one batch", async () => {
  const { send, run } = await setUpBatcher();
  await send(...calls(100));
  expect(run(0).ids).toHaveLength(100);
});

test("no call is answered before its statement is", async () => {
  const { send, run } = await setUpBatcher();
  const [submitted] = await send(call("a"));
  expect(submitted?.state).toBe("open");
  await run(0).succeed();
  expect(submitted).toMatchObject({ state: "answered", answer: "a" });
});

test("two lanes have two batches under way, and a blocked one holds up no key of the other", async () => {
  const { send, runs, run, lanes } = await setUpBatcher({ lanes: 2 });
  const laneOf = (id: string) => lanes.laneOf(keyText(call(id).key));
  const all = calls(40).map(({ id }) => id);
  const blocked = all.filter((id) => laneOf(id) === 0);
  const moving = all.filter((id) => laneOf(id) === 1);
  await send(...all.map((id) => call(id)));
  expect(runs.map(({ ids }) => [...ids])).toEqual(expect.arrayContaining([blocked, moving]));
  const other = runs.findIndex(({ ids }) => ids.join() === moving.join());
  for (let round = 0; round < 3; round++) {
    await run(round === 0 ? other : -1).succeed();
    const [more] = await send(call(`again-${round}`, { key: moving[0] ?? "" }));
    expect(more?.state).toBe("open");
    expect(run(-1).ids).toEqual([`again-${round}`]);
  }
});

test("a key is at most once in a batch and never in two at once", async () => {
  const { send, run, runs } = await setUpBatcher({ lanes: 2 });
  await send(call("1", { key: "x" }), call("2", { key: "x" }), call("3", { key: "x" }));
  expect(runs.map(({ ids }) => ids)).toEqual([["1"]]);
  await run(0).succeed();
  await run(1).succeed();
  await run(2).succeed();
  expect(runs.map(({ ids }) => ids)).toEqual([["1"], ["2"], ["3"]]);
});

test("a batch is sorted by the bytes of its keys, as Postgres locks them, not by UTF-16 units", async () => {
  const { send, run } = await setUpBatcher();
  await send(call("blocker"));
  await send(call("\u{10000}"), call("\uffff"), call("b", { tenant: "u" }), call("a"));
  await run(0).succeed();
  expect(run(1).ids).toEqual(["a", "\uffff", "\u{10000}", "b"]);
});

test("a batch ends at its rows and at its bytes", async () => {
  const { send, run } = await setUpBatcher({ limits: { rowsMax: 3, bytesMax: 1_000 } });
  await send(call("blocker"));
  await send(...["a", "b", "c", "d"].map((id) => call(id)), call("e", { bytes: 600 }), call("f", { bytes: 600 }));
  await run(0).succeed();
  expect(run(1).ids).toEqual(["a", "b", "c"]);
  await run(1).succeed();
  expect(run(2).ids).toEqual(["d", "e"]);
  await run(2).succeed();
  expect(run(3).ids).toEqual(["f"]);
});

test("a tenant gets no more than half of a batch while another's calls wait", async () => {
  const { send, run } = await setUpBatcher({ limits: { rowsMax: 10 } });
  await send(call("blocker"));
  await send(...calls(50, "flood"), ...calls(7, "quiet"));
  await run(0).succeed();
  expect(run(1).ids.filter((id) => id.startsWith("quiet"))).toHaveLength(5);
  await run(1).succeed();
  expect(run(2).ids.filter((id) => id.startsWith("quiet"))).toHaveLength(2);
  expect(run(2).ids).toHaveLength(10);
});

test("a full queue refuses at once and says when to come back; what it holds is served", async () => {
  const { send, run, told } = await setUpBatcher({ limits: { queueCallsMax: 5 } });
  await send(call("blocker", { tenant: "z" }));
  const submitted = await send(
    ...calls(3, "a"),
    call("b", { tenant: "b" }),
    call("c", { tenant: "c" }),
    call("d", { tenant: "d" }),
  );
  expect(submitted.map(({ state }) => state)).toEqual(["open", "open", "failed", "open", "open", "failed"]);
  expect(submitted[5]?.error).toMatchObject({ code: "OVERLOADED", retryAfterMs: expect.any(Number) });
  expect(told.shed).toBe(2);
  await run(0).succeed();
  await run(1).succeed();
  expect(submitted.filter(({ state }) => state === "answered")).toHaveLength(4);
});

test("a queue is full by bytes, too", async () => {
  const { send } = await setUpBatcher({ limits: { queueBytesMax: 1_000 } });
  await send(call("blocker", { tenant: "z" }));
  const submitted = await send(
    call("a", { bytes: 500 }),
    call("b", { bytes: 1 }),
    call("c", { bytes: 600, tenant: "c" }),
  );
  expect(submitted.map(({ state }) => state)).toEqual(["open", "failed", "failed"]);
});

test("a call whose deadline passed in the queue, or before it, is never sent", async () => {
  const { send, submit, run, runs, clock, told } = await setUpBatcher();
  await send(call("blocker"));
  const late = submit(call("late"), clock.monotonicMs() + 10);
  const patient = submit(call("patient"), clock.monotonicMs() + 1_000);
  const stillborn = submit(call("stillborn"), clock.monotonicMs());
  await clock.advance(10);
  expect(stillborn.error).toMatchObject({ code: "DEADLINE_EXCEEDED" });
  await run(0).succeed();
  expect(late.error).toMatchObject({ code: "DEADLINE_EXCEEDED" });
  await run(1).succeed();
  expect(patient.state).toBe("answered");
  expect(runs.flatMap(({ ids }) => ids)).toEqual(["blocker", "patient"]);
  expect(told.batches).toEqual([1, 1]);
});

test("a queue in which every deadline has passed sends nothing", async () => {
  const { send, submit, run, runs, clock } = await setUpBatcher();
  await send(call("blocker"));
  const late = calls(5).map((each) => submit(each, clock.monotonicMs() + 10));
  await clock.advance(10);
  await run(0).succeed();
  expect(late.every(({ state }) => state === "failed")).toBe(true);
  expect(runs).toHaveLength(1);
});

test("an undecided call goes into the next batch, and after three rounds the store is unavailable", async () => {
  const { send, run, runs, told } = await setUpBatcher();
  const [a, b] = await send(call("a"), call("b"));
  await send(call("c"));
  await run(0).answer([null, "b"]);
  expect(told.undecided).toBe(1);
  expect(b?.state).toBe("answered");
  expect(run(1).ids).toEqual(["a", "c"]);
  await run(1).answer([null, "c"]);
  expect(run(2).ids).toEqual(["a"]);
  await run(2).answer([null]);
  expect(a?.error).toMatchObject({ code: "STORE_UNAVAILABLE", retryAfterMs: expect.any(Number) });
  expect(runs).toHaveLength(3);
  // What is given up is not sent again.
  expect(told.undecided).toBe(2);
});

test("a thousand parallel calls of one key take two statements when followers may be answered from the leader's", async () => {
  const { send, run, runs } = await setUpBatcher({
    follow: (_, leader, follower) => `${follower.id} after ${leader.id}`,
  });
  await send(call("first", { key: "x" }));
  const rest = await send(...Array.from({ length: 999 }, (_, i) => call(`${i}`, { key: "x" })));
  await run(0).succeed();
  // These came after the first was sent: its answer may be older than they are.
  expect(rest.every(({ state }) => state === "open")).toBe(true);
  await run(1).succeed();
  expect(rest.map(({ answer }) => answer)).toEqual(["0", ...Array.from({ length: 998 }, (_, i) => `${i + 1} after 0`)]);
  expect(runs).toHaveLength(2);
});

test("a follower that cannot be answered from the leader's answer is sent itself", async () => {
  const { send, run, runs } = await setUpBatcher({
    follow: (_, __, follower) => (follower.id === "odd" ? null : "followed"),
  });
  const [leader, odd, even] = await send(...["leader", "odd", "even"].map((id) => call(id, { key: "x" })));
  await run(0).succeed();
  expect(leader?.answer).toBe("leader");
  expect(even?.answer).toBe("followed");
  expect(odd?.state).toBe("open");
  await run(1).succeed();
  expect(odd?.answer).toBe("odd");
  expect(runs).toHaveLength(2);
});

test("nobody follows a leader that failed, or one that is undecided", async () => {
  const { send, run } = await setUpBatcher({ follow: () => "followed" });
  const [leader, follower] = await send(call("1", { key: "x" }), call("2", { key: "x" }));
  await run(0).answer([null]);
  expect(follower?.state).toBe("open");
  await run(1).fail(new Error("bug: for the test"));
  expect(leader?.state).toBe("failed");
  expect(follower?.state).toBe("open");
  await run(2).succeed();
  expect(follower?.answer).toBe("2");
});

test("a rule for followers that throws fails the follower alone", async () => {
  const { send, run } = await setUpBatcher({
    follow: () => {
      throw new Error("bug: for the test");
    },
  });
  const [leader, follower] = await send(call("1", { key: "x" }), call("2", { key: "x" }));
  await run(0).succeed();
  expect(leader?.answer).toBe("1");
  expect(follower?.error).toMatchObject({ message: "bug: for the test" });
  const [next] = await send(call("3", { key: "x" }));
  await run(1).succeed();
  expect(next?.answer).toBe("3");
});

test("closing refuses new calls and finishes those that wait", async () => {
  const { send, submit, batcher, run } = await setUpBatcher();
  const [sent] = await send(call("sent"));
  const [queued] = await send(call("queued"));
  let closed = false;
  const closing = batcher.close().then(() => {
    closed = true;
  });
  const refused = submit(call("late"));
  await settled();
  expect(refused.error).toMatchObject({ code: "STORE_UNAVAILABLE" });
  expect(closed).toBe(false);
  await run(0).succeed();
  expect(closed).toBe(false);
  await run(1).succeed();
  await closing;
  expect([sent?.state, queued?.state]).toEqual(["answered", "answered"]);
});
