import { expect, test } from "vitest";
import { createFairQueue, type Take, type Waiting } from "../../../src/store/postgres/fair-queue.ts";

interface Item extends Waiting {
  readonly nth: number;
}

const everything: Take<Item> = { rowsMax: 256, bytesMax: 2 << 20, discard: () => false };

function newQueue() {
  return createFairQueue<Item>();
}

function item(tenant: string, key: string | number, bytes = 100, nth = 0): Item {
  return { tenant, keyText: `${tenant}/${key}`, bytes, nth };
}

function putMany(queue: ReturnType<typeof newQueue>, tenant: string, count: number, bytes = 100): void {
  for (let i = 0; i < count; i++) queue.put(item(tenant, i, bytes));
}

function countOf(batch: readonly Item[], tenant: string): number {
  return batch.filter((taken) => taken.tenant === tenant).length;
}

/** One batch after the other: what is taken is settled before the next is. */
function takeSettled(queue: ReturnType<typeof newQueue>, take = everything): Item[] {
  const batch = queue.take(take);
  for (const taken of batch) queue.release(taken);
  return batch;
}

test("a batch holds each key once, and the second call of a key comes with the next", () => {
  const queue = newQueue();
  for (const nth of [1, 2, 3]) queue.put(item("a", "x", 100, nth));
  queue.put(item("a", "y"));
  expect(takeSettled(queue).map((taken) => [taken.keyText, taken.nth])).toEqual([
    ["a/x", 1],
    ["a/y", 0],
  ]);
  expect(takeSettled(queue).map((taken) => taken.nth)).toEqual([2]);
  expect(takeSettled(queue).map((taken) => taken.nth)).toEqual([3]);
  expect(queue.drain()).toEqual([]);
});

test("while a call is under way no other of its key is taken, nor one that comes meanwhile", () => {
  const queue = newQueue();
  for (const nth of [1, 2]) queue.put(item("a", "x", 100, nth));
  queue.put(item("a", "y", 100, 1));
  expect(queue.ready).toBe(2);
  const [x, y] = queue.take(everything);
  queue.put(item("a", "y", 100, 2));
  expect(queue.ready).toBe(0);
  expect(queue.take(everything)).toEqual([]);
  if (x === undefined || y === undefined) throw new Error("nothing taken");
  queue.release(y);
  expect(queue.ready).toBe(1);
  expect(queue.take(everything)).toEqual([item("a", "y", 100, 2)]);
  queue.release(x);
  expect(queue.take(everything)).toEqual([item("a", "x", 100, 2)]);
});

test("followers of a call that is under way are taken out, and what drains meanwhile comes to no other batch", () => {
  const queue = newQueue();
  for (const nth of [1, 2, 3]) queue.put(item("a", "x", 100, nth));
  const [leader] = queue.take(everything);
  if (leader === undefined) throw new Error("nothing taken");
  queue.takeOfKey(leader, (follower) => follower.nth === 2);
  expect(queue.ready).toBe(0);
  expect(queue.drain()).toEqual([item("a", "x", 100, 3)]);
  queue.put(item("a", "x", 100, 4));
  expect(queue.take(everything), "the leader is under way still").toEqual([]);
  queue.release(leader);
  expect(takeSettled(queue)).toEqual([item("a", "x", 100, 4)]);
  expect(queue.ready).toBe(0);
  expect(queue.drain()).toEqual([]);
});

test("a batch ends at its rows, and at its bytes", () => {
  const queue = newQueue();
  putMany(queue, "a", 600);
  expect(queue.take(everything)).toHaveLength(256);
  expect(queue.take({ ...everything, bytesMax: 1_000 })).toHaveLength(10);
  expect(queue.drain()).toHaveLength(600 - 266);
});

test("an item larger than a batch may be goes alone", () => {
  const queue = newQueue();
  queue.put(item("a", "large", 5_000));
  queue.put(item("a", "small", 10));
  expect(queue.take({ ...everything, bytesMax: 1_000 }).map((taken) => taken.keyText)).toEqual(["a/large"]);
  expect(queue.take({ ...everything, bytesMax: 1_000 }).map((taken) => taken.keyText)).toEqual(["a/small"]);
});

test("a tenant with a flood of calls does not delay one with a few", () => {
  const queue = newQueue();
  putMany(queue, "flood", 10_000);
  putMany(queue, "quiet", 3);
  const batch = queue.take(everything);
  expect(countOf(batch, "quiet")).toBe(3);
  expect(batch).toHaveLength(256);
});

test("no tenant gets more than half of the rows while another's wait", () => {
  const queue = newQueue();
  putMany(queue, "small", 1_000, 10);
  putMany(queue, "large", 1_000, 4_000);
  for (let round = 0; round < 4; round++) {
    const batch = queue.take(everything);
    expect(countOf(batch, "small")).toBeLessThanOrEqual(128);
    expect(countOf(batch, "large")).toBeGreaterThan(0);
  }
});

test("many tenants share a batch evenly", () => {
  const queue = newQueue();
  const tenants = Array.from({ length: 8 }, (_, i) => `tenant-${i}`);
  for (const tenant of tenants) putMany(queue, tenant, 500);
  const taken: Item[] = [];
  for (let round = 0; round < 8; round++) taken.push(...queue.take(everything));
  for (const tenant of tenants) {
    expect(countOf(taken, tenant)).toBeGreaterThan(200);
    expect(countOf(taken, tenant)).toBeLessThan(312);
  }
});

test("large results come out in the end, however many small calls there are beside them", () => {
  const queue = newQueue();
  putMany(queue, "small", 20_000, 10);
  putMany(queue, "large", 4, 1_200_000);
  let batches = 0;
  for (let large = 0; large < 4; batches++) large += countOf(queue.take(everything), "large");
  expect(batches).toBeLessThan(50);
});

test("what is put back comes first, before the other calls of its key and all other keys", () => {
  const queue = newQueue();
  putMany(queue, "a", 1_000);
  const [first] = queue.take({ ...everything, rowsMax: 1 });
  if (first === undefined) throw new Error("nothing taken");
  queue.put(item("a", 0, 100, 7));
  queue.release(first);
  queue.putFirst(first);
  expect(queue.take({ ...everything, rowsMax: 1 })).toEqual([first]);
});

test("what is put first and finds no room is first in the batch after that", () => {
  const queue = newQueue();
  putMany(queue, "a", 10);
  const urgent = [item("a", "u1"), item("a", "u2"), item("a", "u3")];
  for (const late of urgent) queue.putFirst(late);
  expect(queue.take({ ...everything, rowsMax: 2 })).toEqual(urgent.slice(0, 2));
  expect(queue.take({ ...everything, rowsMax: 2 })[0]).toEqual(urgent[2]);
});

test("followers of a key are taken out wherever they stand, and the rest keep their order", () => {
  const queue = newQueue();
  for (const nth of [1, 2, 3, 4]) queue.put(item("a", "x", 100, nth));
  const taken: number[] = [];
  queue.takeOfKey(item("a", "x"), (follower) => {
    if (follower.nth % 2 === 0) taken.push(follower.nth);
    return follower.nth % 2 === 0;
  });
  expect(taken).toEqual([2, 4]);
  expect([...takeSettled(queue), ...takeSettled(queue)].map((left) => left.nth)).toEqual([1, 3]);
  expect(queue.drain()).toEqual([]);
});

test("discarded calls leave without a place in the batch", () => {
  const queue = newQueue();
  putMany(queue, "a", 20);
  for (const nth of [1, 2, 3]) queue.put(item("b", "x", 100, nth));
  const batch = queue.take({ ...everything, discard: (waiting) => waiting.tenant === "a" || waiting.nth < 3 });
  expect(batch.map((taken) => [taken.tenant, taken.nth])).toEqual([["b", 3]]);
  expect(queue.drain()).toEqual([]);
});

test("draining empties the queue", () => {
  const queue = newQueue();
  putMany(queue, "a", 5);
  putMany(queue, "b", 5);
  expect(queue.drain()).toHaveLength(10);
  expect(queue.ready).toBe(0);
  expect(queue.take(everything)).toEqual([]);
  queue.put(item("a", 1));
  expect(queue.take(everything)).toHaveLength(1);
});
