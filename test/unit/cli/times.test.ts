import { expect, test } from "vitest";
import { ageText, timeText } from "../../../src/cli/times.ts";

test.each([
  [-5, "0s"],
  [0, "0s"],
  [999, "0s"],
  [45_000, "45s"],
  [60_000, "1m"],
  [192_999, "3m12s"],
  [3_600_000 + 59_000, "1h"],
  [7_500_000, "2h5m"],
  [86_400_000, "1d"],
  [100 * 86_400_000 + 3_600_000, "100d1h"],
])("%d ms are %s", (ms, text) => {
  expect(ageText(ms)).toBe(text);
});

test("times are in UTC, to the second", () => {
  expect(timeText(Date.UTC(2026, 10, 27, 3, 4, 11, 999))).toBe("2026-11-27 03:04:11Z");
});
