import { expect, test } from "vitest";
import { spread } from "../../../bench/measure.ts";

test("the median is the value in the middle, or half way between two", () => {
  expect(spread([3, 1, 2])).toEqual({ min: 1, median: 2, max: 3 });
  expect(spread([4, 1, 3, 2])).toEqual({ min: 1, median: 2.5, max: 4 });
  expect(spread([1, 9])).toEqual({ min: 1, median: 5, max: 9 });
  expect(spread([7])).toEqual({ min: 7, median: 7, max: 7 });
  expect(spread([]).median).toBeNaN();
});
