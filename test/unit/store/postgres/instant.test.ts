import fc from "fast-check";
import { expect, test } from "vitest";
import { formatInstant, parseInstant } from "../../../../src/store/postgres/instant.ts";

test.each([
  ["1970-01-01 00:00:00+00", 0],
  ["1970-01-01 00:00:00.000001+00", 1],
  ["1970-01-01 00:00:00.1+00", 100_000],
  ["1970-01-01 02:00:00+02", 0],
  ["1970-01-01 02:00:00.5+02", 500_000],
  ["1969-12-31 18:30:00-05:30", 0],
  ["1969-12-31 18:30:00.000070-05:30", 70],
  ["1970-01-01 00:19:32+00:19:32", 0],
  ["1969-12-31 23:59:59.999999+00", -1],
  ["2026-08-20 12:00:00.123456+00", 1_787_227_200_123_456],
  ["2026-08-20 12:00:00.5+00", 1_787_227_200_500_000],
  ["2026-08-20 12:00:00.500+00", 1_787_227_200_500_000],
  ["infinity", Number.POSITIVE_INFINITY],
  ["-infinity", Number.NEGATIVE_INFINITY],
])("%s is read to the microsecond", (text, instant) => {
  expect(parseInstant(text)).toBe(instant);
});

test.each([
  "",
  "now",
  "2026-08-20 12:xx:00+00",
  "2031-01-01 12:00:00x+00",
  "20/08/2026 12:00:00 UTC",
  "2026-08-20 12:00:00",
  "0044-03-15 00:00:00+00 BC",
  "1044-03-15 00:00:00+00 BC",
  "12026-08-20 12:00:00+02",
])("%j is no instant", (text) => {
  expect(() => parseInstant(text)).toThrow("bug");
});

test.each([
  [0, "1970-01-01T00:00:00.000000Z"],
  [-1, "1969-12-31T23:59:59.999999Z"],
  [1_787_227_200_123_456, "2026-08-20T12:00:00.123456Z"],
  [Number.POSITIVE_INFINITY, "infinity"],
  [Number.NEGATIVE_INFINITY, "-infinity"],
])("%d is written as %s", (instant, text) => {
  expect(formatInstant(instant)).toBe(text);
});

test("what was written is read back the same", () => {
  const years = { min: Date.UTC(1970, 0) * 1000, max: Date.UTC(2200, 0) * 1000 };
  fc.assert(
    fc.property(fc.integer(years), (instant) => {
      const text = formatInstant(instant).replace("T", " ").replace("Z", "+00");
      expect(parseInstant(text)).toBe(instant);
    }),
  );
});
