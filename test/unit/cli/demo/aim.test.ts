import { expect, test } from "vitest";
import { type Aim, createAim } from "../../../../src/cli/demo/aim.ts";
import type { Delivery } from "../../../../src/cli/demo/delivery-log.ts";
import { HELD, REACQUIRED } from "./event-world.ts";

const delivery = (line: number, id: string): Delivery => ({ line, id, type: "t", payload: null });
const held = (stage: "claimed" | "charged", event = 0) => ({ event, stage, onLeaseExpiry: "hold" }) as const;
const awaited = { event: 0, stage: "claimed", onLeaseExpiry: "reacquire" } as const;

const [a = "", b = "", c = ""] = HELD;
const [r = "", s = ""] = REACQUIRED;

const aimAt = (...aimed: Parameters<typeof createAim>[0]["aimed"]) => createAim({ aimed, comesAgain: () => true });
const stageFor = (aim: Aim, line: number, id: string) => aim.orderFor(0, delivery(line, id)).stopAt;

test("a shot is aimed at the first delivery of the planned event", () => {
  const aim = aimAt(held("charged", 1));
  expect(stageFor(aim, 1, a)).toBeNull();
  expect(stageFor(aim, 2, a)).toBeNull();
  expect(stageFor(aim, 3, b)).toBe("charged");
  expect(stageFor(aim, 4, c)).toBeNull();
});

test("a shot that missed is aimed at the next new event", () => {
  const aim = aimAt(held("claimed"));
  expect(stageFor(aim, 1, a)).toBe("claimed");
  aim.over(1, false);
  expect(stageFor(aim, 2, a)).toBeNull();
  expect(stageFor(aim, 3, b)).toBe("claimed");
});

test("a shot that hit is not repeated, also when the dead worker's delivery is over", () => {
  const aim = aimAt(held("claimed"));
  stageFor(aim, 1, a);
  aim.over(1, true);
  aim.over(1, false);
  expect(stageFor(aim, 2, b)).toBeNull();
});

test("one shot is taken after the other, so that no worker is hit twice", () => {
  const aim = aimAt(held("claimed"), held("charged"));
  expect([stageFor(aim, 1, a), stageFor(aim, 2, b)]).toEqual(["claimed", null]);
  aim.over(1, true);
  expect(stageFor(aim, 3, c)).toBe("charged");
});

test("a shot at a held event is ripe when its worker stands there", () => {
  const aim = aimAt(held("claimed"));
  stageFor(aim, 1, r);
  aim.orderFor(2, delivery(2, a));
  expect(aim.ripe()).toBeNull();
  aim.stopped(2);
  expect(aim.ripe()).toMatchObject({ worker: 2, line: 2, stage: "claimed", isAwaited: false });
  aim.over(2, true);
  expect(aim.ripe()).toBeNull();
});

test("a shot that is to be awaited is ripe when another worker claims the same event, and no longer than it does", () => {
  const aim = aimAt(awaited);
  expect([stageFor(aim, 1, a), stageFor(aim, 2, r)]).toEqual([null, "claimed"]);
  expect([aim.spares(0, delivery(3, r)), aim.spares(1, delivery(3, r)), aim.spares(0, delivery(3, s))]).toEqual([
    true,
    false,
    false,
  ]);
  expect(aim.orderFor(1, delivery(3, r))).toMatchObject({ stopAt: null, announce: true });
  aim.stopped(2);
  expect(aim.ripe()).toBeNull();
  aim.claiming(3);
  expect(aim.ripe()).toMatchObject({ worker: 0, line: 2, isAwaited: true });
  aim.over(3, false);
  expect(aim.ripe()).toBeNull();
});

test("an event whose payload comes only once is not aimed at when another worker is to wait for it", () => {
  const aim = createAim({ aimed: [awaited], comesAgain: ({ id }) => id === s });
  expect([stageFor(aim, 1, r), stageFor(aim, 2, s)]).toEqual([null, "claimed"]);
});

test("a shot for which no event comes does not hold up the ones behind it", () => {
  const aim = createAim({ aimed: [awaited, held("charged")], comesAgain: () => false });
  expect([stageFor(aim, 1, r), stageFor(aim, 2, a)]).toEqual([null, "charged"]);
});
