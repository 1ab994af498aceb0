import { expect, test } from "vitest";
import { createVirtualTime } from "../../../../proof/sim/time.ts";

const never = () => false;

test("events happen in the order of their times, each after all that follows from the one before", async () => {
  const time = createVirtualTime(1);
  const seen: string[] = [];
  time.after(20, () => seen.push("late"));
  time.after(10, () => {
    seen.push("early");
    void Promise.resolve()
      .then(() => undefined)
      .then(() => seen.push(`what follows, at ${time.nowMs()}`));
  });
  expect(await time.run(never)).toBe("idle");
  expect(seen).toEqual(["early", "what follows, at 10", "late"]);
});

test("the seed decides between events of one moment", async () => {
  const orderOf = async (seed: number) => {
    const time = createVirtualTime(seed);
    const seen: number[] = [];
    for (let i = 0; i < 8; i++) time.after(5, () => seen.push(i));
    await time.run(never);
    return seen.join();
  };
  expect(await orderOf(1)).toBe(await orderOf(1));
  expect(new Set(await Promise.all([1, 2, 3, 4, 5].map(orderOf))).size).toBe(5);
});

test("a sleep ends early, with the reason, when it is aborted, and leaves no timer", async () => {
  const time = createVirtualTime(1);
  const process = time.process("a");
  const over = new AbortController();
  const slept = process.clock.sleep(1_000, over.signal).catch((error: unknown) => error);
  expect(time.timersOf(process)).toBe(1);
  over.abort("enough");
  expect(await slept).toBe("enough");
  expect(time.timersOf(process)).toBe(0);
  expect(await time.run(never)).toBe("idle");
  expect(time.nowMs()).toBe(0);
});

test("nothing of a process that was killed happens any more", async () => {
  const time = createVirtualTime(1);
  const process = time.process("a");
  let hasHappened = false;
  process.after(10, () => {
    hasHappened = true;
  });
  void process.clock.sleep(10).then(() => {
    hasHappened = true;
  });
  time.after(5, process.kill);
  await time.run(never);
  expect(hasHappened).toBe(false);
  expect(process.isAlive).toBe(false);
});

test("what is due while a process stands still happens when it goes on", async () => {
  const time = createVirtualTime(1);
  const [still, other] = [time.process("still"), time.process("other")];
  const seen: string[] = [];
  for (const process of [still, other])
    void process.clock.sleep(10).then(() => seen.push(`${process.name} ${time.nowMs()}`));
  still.stall(100);
  await time.run(never);
  expect(seen).toEqual(["other 10", "still 100"]);
});

test("each process counts from a moment of its own, at one pace", async () => {
  const time = createVirtualTime(1);
  const [a, b] = [time.process("a").clock, time.process("b").clock];
  const [a0, b0] = [a.monotonicMs(), b.monotonicMs()];
  expect(a0).not.toBe(b0);
  await Promise.all([time.sleep(40), time.run(never)]);
  expect(a.monotonicMs() - a0).toBeCloseTo(40);
  expect(b.monotonicMs() - b0).toBeCloseTo(40);
});
