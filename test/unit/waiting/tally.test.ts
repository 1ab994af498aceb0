import { expect, test } from "vitest";
import { createTally } from "../../../src/waiting/tally.ts";

test("counts by name, one or many at a time", () => {
  const tally = createTally();
  tally.count("a");
  tally.count("a", 3);
  tally.count("b");
  expect([tally.of("a"), tally.of("b"), tally.of("c")]).toEqual([4, 1, 0]);
});

test("uncounting twice uncounts once, and says so", () => {
  const tally = createTally();
  const uncount = tally.count("a", 2);
  tally.count("a");
  expect([uncount(), uncount()]).toEqual([true, false]);
  expect(tally.of("a")).toBe(1);
});

test("a name that is counted no more can be counted again", () => {
  const tally = createTally();
  tally.count("a")();
  expect(tally.of("a")).toBe(0);
  tally.count("a");
  expect(tally.of("a")).toBe(1);
});
