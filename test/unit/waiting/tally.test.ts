import { expect, test } from "vitest";
import { createTally } from "../../../src/waiting/tally.ts";

test("counts by name, one or many at a time", () => {
  const tally = createTally();
  tally.count("a");
  tally.count("a", 3);
  tally.count("b");
  expect([tally.of("a"), tally.of("b"), tally.of("c")]).toEqual([4, 1, 0]);
  expect(tally.size).toBe(3);
});

test("what is disposed of twice is uncounted once", () => {
  const tally = createTally();
  const counted = tally.count("a", 2);
  tally.count("a");
  for (let i = 0; i < 2; i++) counted[Symbol.dispose]();
  expect([tally.of("a"), tally.size]).toEqual([1, 1]);
});

test("a name that is counted no more can be counted again", () => {
  const tally = createTally();
  tally.count("a")[Symbol.dispose]();
  expect([tally.of("a"), tally.size]).toEqual([0, 0]);
  tally.count("a");
  expect([tally.of("a"), tally.size]).toEqual([1, 1]);
});
