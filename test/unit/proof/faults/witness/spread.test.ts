import { expect, test } from "vitest";
import { spreadOf } from "../../../../../proof/faults/witness/spread.ts";

test("of many measurements the shares are told, in whatever order they came", () => {
  const values = Array.from({ length: 100 }, (_, i) => 100 - i);
  expect(spreadOf(values)).toEqual({ count: 100, p50: 50, p95: 95, p99: 99, max: 100 });
});

test("of one measurement all shares are that", () => {
  expect(spreadOf([7])).toEqual({ count: 1, p50: 7, p95: 7, p99: 7, max: 7 });
});

test("of nothing that was measured nothing is said", () => {
  expect(() => spreadOf([])).toThrow("nothing was measured");
});
