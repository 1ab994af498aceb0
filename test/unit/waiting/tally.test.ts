import { expect, test } from "vitest";
import { createTally } from "../../../src/waiting/tally.ts";

test("counts by name and in total", () => {
  const tally = createTally();
  tally.count("a");
  tally.count("a");
  tally.count("b");
  expect([tally.of("a"), tally.of("b"), tally.of("c"), tally.total]).toEqual([2, 1, 0, 3]);
});

test("uncounting twice uncounts once", () => {
  const tally = createTally();
  const uncount = tally.count("a");
  tally.count("a");
  uncount();
  uncount();
  expect([tally.of("a"), tally.total]).toEqual([1, 1]);
});

test("a name that is counted no more can be counted again", () => {
  const tally = createTally();
  tally.count("a")();
  expect([tally.of("a"), tally.total]).toEqual([0, 0]);
  tally.count("a");
  expect(tally.of("a")).toBe(1);
});
