import { expect, test } from "vitest";
import { type Point, riseOf } from "../../../bench/growth/trend.ts";

const points = (values: readonly number[]): Point[] => values.map((y, i) => ({ x: i / 2, y }));

test("what goes up and down around a level is flat", () => {
  expect(riseOf(points([0, 0, 0, 0, 100, 102, 102, 100]))).toBeCloseTo(0);
});

test("the rise is that of the later half alone, as a part of its mean", () => {
  expect(riseOf(points([10, 500, 3, 80, 90, 100, 110]))).toBeCloseTo(30 / 95);
  expect(riseOf(points([1, 1, 1, 110, 100, 90]))).toBeCloseTo(-0.2);
});

test("of less than two points nothing is said", () => {
  expect(riseOf(points([]))).toBeNaN();
  expect(riseOf(points([5]))).toBeNaN();
});
