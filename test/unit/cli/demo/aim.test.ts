import { expect, test } from "vitest";
import { createAim } from "../../../../src/cli/demo/aim.ts";
import type { Delivery } from "../../../../src/cli/demo/delivery-log.ts";

const delivery = (line: number, id: string): Delivery => ({ line, id, type: "t", payload: null });

test("a shot is aimed at the first delivery of the planned event", () => {
  const aim = createAim([{ event: 1, stage: "charged" }]);
  expect(aim.stageFor(delivery(1, "a"))).toBeNull();
  expect(aim.stageFor(delivery(2, "a"))).toBeNull();
  expect(aim.stageFor(delivery(3, "b"))).toBe("charged");
  expect(aim.stageFor(delivery(4, "c"))).toBeNull();
});

test("a shot that missed is aimed at the next new event", () => {
  const aim = createAim([{ event: 0, stage: "claimed" }]);
  expect(aim.stageFor(delivery(1, "a"))).toBe("claimed");
  aim.over(1, false);
  expect(aim.stageFor(delivery(2, "a"))).toBeNull();
  expect(aim.stageFor(delivery(3, "b"))).toBe("claimed");
});

test("a shot that hit is not repeated, also when the dead worker's delivery is over", () => {
  const aim = createAim([{ event: 0, stage: "claimed" }]);
  aim.stageFor(delivery(1, "a"));
  aim.over(1, true);
  aim.over(1, false);
  expect(aim.stageFor(delivery(2, "b"))).toBeNull();
});

test("one shot is taken after the other, so that no worker is hit twice", () => {
  const aim = createAim([
    { event: 0, stage: "claimed" },
    { event: 0, stage: "charged" },
  ]);
  expect([aim.stageFor(delivery(1, "a")), aim.stageFor(delivery(2, "b"))]).toEqual(["claimed", null]);
  aim.over(1, true);
  expect(aim.stageFor(delivery(3, "c"))).toBe("charged");
});
