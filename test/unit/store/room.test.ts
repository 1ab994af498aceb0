import { expect, test } from "vitest";
import { createRoom } from "../../../src/store/postgres/room.ts";

const call = (tenant: string, bytes = 100) => ({ tenant, bytes });

function enter(room: ReturnType<typeof createRoom>, ...calls: ReturnType<typeof call>[]): boolean[] {
  return calls.map((each) => room.enter(each));
}

test("a full room lets nobody in, by calls and by bytes, until somebody leaves", () => {
  const byCalls = createRoom({ callsMax: 4, bytesMax: 1 << 20 });
  const tenants = ["a", "b", "c", "d", "e"].map((tenant) => call(tenant));
  expect(enter(byCalls, ...tenants)).toEqual([true, true, true, true, false]);
  byCalls.leave(call("b"));
  expect(enter(byCalls, call("e"), call("f"))).toEqual([true, false]);
  const byBytes = createRoom({ callsMax: 100, bytesMax: 250 });
  expect(enter(byBytes, ...tenants.slice(0, 3))).toEqual([true, true, false]);
  byBytes.leave(call("a"));
  expect(enter(byBytes, call("c"), call("d"))).toEqual([true, false]);
});

test("one tenant takes half of it at most, by calls and by bytes, so another is still let in", () => {
  const byCalls = createRoom({ callsMax: 100, bytesMax: 1 << 20 });
  const flood = Array.from({ length: 80 }, () => call("flood"));
  expect(enter(byCalls, ...flood).filter(Boolean)).toHaveLength(50);
  expect(enter(byCalls, call("quiet"))).toEqual([true]);
  const byBytes = createRoom({ callsMax: 100, bytesMax: 1_000 });
  expect(enter(byBytes, call("flood", 500), call("flood", 1), call("quiet", 500))).toEqual([true, false, true]);
});

test("a tenant's only call may be larger than half, if there is room", () => {
  const room = createRoom({ callsMax: 100, bytesMax: 1_000 });
  expect(enter(room, call("a", 1_001), call("a", 900), call("b", 101))).toEqual([false, true, false]);
});

test("it is empty when all have left, and at once when nobody is in it", async () => {
  const room = createRoom({ callsMax: 4, bytesMax: 1_000 });
  await room.empty();
  enter(room, call("a"), call("b"));
  let isEmpty = false;
  const waiting = [room.empty(), room.empty()].map((empty) => empty.then(() => (isEmpty = true)));
  room.leave(call("a"));
  await Promise.resolve();
  expect(isEmpty).toBe(false);
  room.leave(call("b"));
  await Promise.all(waiting);
});

test("leaving without having entered is a bug", () => {
  const room = createRoom({ callsMax: 4, bytesMax: 1_000 });
  expect(() => room.leave(call("a"))).toThrow("bug");
});
