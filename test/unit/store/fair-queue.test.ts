import { expect, test } from "vitest";
import { createFairQueue, type Take, type Waiting } from "../../../src/store/postgres/fair-queue.ts";

interface Item extends Waiting {
  readonly nth: number;
}

const everything: Take<Item> = { rowsMax: 256, bytesMax: 2 << 20, discard: () => false };

function newQueue(limits = { callsMax: 1_000_000, bytesMax: 1 << 30 }) {
  return createFairQueue<Item>(limits);
}

function item(tenant: string, key: string | number, bytes = 100, nth = 0): Item {
  return { tenant, keyText: `${tenant}/${key}`, bytes, nth };
}

function offerMany(queue: ReturnType<typeof newQueue>, tenant: string, count: number, bytes = 100): void {
  for (let i = 0; i < count; i++) expect(queue.offer(item(tenant, i, bytes))).toBe(true);
}

function countOf(batch: readonly Item[], tenant: string): number {
  return batch.filter((taken) => taken.tenant === tenant).length;
}

test("a batch holds each key once, and the second call of a key comes with the next", () => {
  const queue = newQueue();
  for (const nth of [1, 2, 3]) queue.offer(item("a", "x", 100, nth));
  queue.offer(item("a", "y"));
  expect(queue.take(everything).map((taken) => [taken.keyText, taken.nth])).toEqual([
    ["a/x", 1],
    ["a/y", 0],
  ]);
  expect(queue.take(everything).map((taken) => taken.nth)).toEqual([2]);
  expect(queue.take(everything).map((taken) => taken.nth)).toEqual([3]);
  expect(queue.size).toBe(0);
});

test("a batch ends at its rows, and at its bytes", () => {
  const queue = newQueue();
  offerMany(queue, "a", 600);
  expect(queue.take(everything)).toHaveLength(256);
  expect(queue.take({ ...everything, bytesMax: 1_000 })).toHaveLength(10);
  expect(queue.size).toBe(600 - 266);
});

test("an item larger than a batch may be goes alone", () => {
  const queue = newQueue();
  queue.offer(item("a", "large", 5_000));
  queue.offer(item("a", "small", 10));
  expect(queue.take({ ...everything, bytesMax: 1_000 }).map((taken) => taken.keyText)).toEqual(["a/large"]);
  expect(queue.take({ ...everything, bytesMax: 1_000 }).map((taken) => taken.keyText)).toEqual(["a/small"]);
});

test("a tenant with a flood of calls does not delay one with a few", () => {
  const queue = newQueue();
  offerMany(queue, "flood", 10_000);
  offerMany(queue, "quiet", 3);
  const batch = queue.take(everything);
  expect(countOf(batch, "quiet")).toBe(3);
  expect(batch).toHaveLength(256);
});

test("no tenant gets more than half of the rows while another's wait", () => {
  const queue = newQueue();
  offerMany(queue, "small", 1_000, 10);
  offerMany(queue, "large", 1_000, 4_000);
  for (let round = 0; round < 4; round++) {
    const batch = queue.take(everything);
    expect(countOf(batch, "small")).toBeLessThanOrEqual(128);
    expect(countOf(batch, "large")).toBeGreaterThan(0);
  }
});

test("many tenants share a batch evenly", () => {
  const queue = newQueue();
  const tenants = Array.from({ length: 8 }, (_, i) => `tenant-${i}`);
  for (const tenant of tenants) offerMany(queue, tenant, 500);
  const taken: Item[] = [];
  for (let round = 0; round < 8; round++) taken.push(...queue.take(everything));
  for (const tenant of tenants) {
    expect(countOf(taken, tenant)).toBeGreaterThan(200);
    expect(countOf(taken, tenant)).toBeLessThan(312);
  }
});

test("large results come out in the end, however many small calls there are beside them", () => {
  const queue = newQueue();
  offerMany(queue, "small", 20_000, 10);
  offerMany(queue, "large", 4, 1_200_000);
  let batches = 0;
  for (let large = 0; large < 4; batches++) large += countOf(queue.take(everything), "large");
  expect(batches).toBeLessThan(50);
});

test("a full queue refuses, by calls and by bytes, and keeps what it has", () => {
  const byCalls = newQueue({ callsMax: 4, bytesMax: 1 << 20 });
  expect(["a", "b", "c", "d", "e"].map((tenant) => byCalls.offer(item(tenant, 1)))).toEqual([
    true,
    true,
    true,
    true,
    false,
  ]);
  expect(byCalls.size).toBe(4);
  const byBytes = newQueue({ callsMax: 100, bytesMax: 250 });
  expect(["a", "b", "c"].map((tenant) => byBytes.offer(item(tenant, 1)))).toEqual([true, true, false]);
  byBytes.take(everything);
  expect(byBytes.offer(item("c", 1))).toBe(true);
});

test("one tenant fills half of the queue at most, so another is still let in", () => {
  const queue = newQueue({ callsMax: 100, bytesMax: 1 << 20 });
  const accepted = Array.from({ length: 80 }, (_, i) => queue.offer(item("flood", i))).filter(Boolean);
  expect(accepted).toHaveLength(50);
  expect(queue.offer(item("quiet", 1))).toBe(true);
});

test("what is put back comes first, before the other calls of its key and all other keys", () => {
  const queue = newQueue();
  offerMany(queue, "a", 1_000);
  const [first] = queue.take({ ...everything, rowsMax: 1 });
  if (first === undefined) throw new Error("nothing taken");
  queue.offer(item("a", 0, 100, 7));
  queue.putBack(first);
  expect(queue.take({ ...everything, rowsMax: 1 })).toEqual([first]);
});

test("followers of a key are taken out wherever they stand, and the rest keep their order", () => {
  const queue = newQueue();
  for (const nth of [1, 2, 3, 4]) queue.offer(item("a", "x", 100, nth));
  const taken: number[] = [];
  queue.takeOfKey(item("a", "x"), (follower) => {
    if (follower.nth % 2 === 0) taken.push(follower.nth);
    return follower.nth % 2 === 0;
  });
  expect(taken).toEqual([2, 4]);
  expect(queue.size).toBe(2);
  expect([...queue.take(everything), ...queue.take(everything)].map((left) => left.nth)).toEqual([1, 3]);
});

test("discarded calls leave without a place in the batch", () => {
  const queue = newQueue();
  offerMany(queue, "a", 20);
  for (const nth of [1, 2, 3]) queue.offer(item("b", "x", 100, nth));
  const batch = queue.take({ ...everything, discard: (waiting) => waiting.tenant === "a" || waiting.nth < 3 });
  expect(batch.map((taken) => [taken.tenant, taken.nth])).toEqual([["b", 3]]);
  expect(queue.size).toBe(0);
});

test("draining empties the queue and gives back its room", () => {
  const queue = newQueue({ callsMax: 10, bytesMax: 1_000 });
  offerMany(queue, "a", 5);
  offerMany(queue, "b", 5);
  expect(queue.drain()).toHaveLength(10);
  expect(queue.size).toBe(0);
  expect(queue.take(everything)).toEqual([]);
  expect(queue.offer(item("a", 1))).toBe(true);
});
