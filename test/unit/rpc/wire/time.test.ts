import { create } from "@bufbuild/protobuf";
import { DurationSchema } from "@bufbuild/protobuf/wkt";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { durationMs, isWellFormedDuration, toDuration, toTimestamp } from "../../../../src/rpc/wire/time.ts";

const TEN_YEARS_MS = 315_360_000_000;

describe("durations", () => {
  test("of whole milliseconds come back as they went", () => {
    fc.assert(
      fc.property(fc.integer({ min: -TEN_YEARS_MS, max: TEN_YEARS_MS }), (ms) => {
        const duration = toDuration(ms);
        expect(isWellFormedDuration(duration)).toBe(true);
        expect(durationMs(duration)).toBe(ms);
      }),
    );
  });

  test("of any length are well-formed and right to the microsecond", () => {
    fc.assert(
      fc.property(fc.double({ min: -1e9, max: 1e9, noNaN: true }), (ms) => {
        const duration = toDuration(ms);
        expect(isWellFormedDuration(duration)).toBe(true);
        expect(Math.abs(Number(duration.seconds) * 1000 + duration.nanos / 1e6 - ms)).toBeLessThan(0.001);
      }),
    );
  });

  test("that round up to a whole second stay well-formed", () => {
    expect(toDuration(999.9999)).toMatchObject({ seconds: 1n, nanos: 0 });
    expect(toDuration(-999.9999)).toMatchObject({ seconds: -1n, nanos: 0 });
  });

  test("are rounded up to whole milliseconds", () => {
    expect(durationMs(create(DurationSchema, { seconds: 1n, nanos: 1 }))).toBe(1001);
    expect(durationMs(create(DurationSchema, { nanos: 1_000_000 }))).toBe(1);
  });
});

describe("timestamps", () => {
  test("keep every microsecond", () => {
    fc.assert(
      fc.property(fc.integer({ min: -(10 ** 15), max: 9 * 10 ** 15 }), (instant) => {
        const { seconds, nanos } = toTimestamp(instant);
        expect(nanos).toBeGreaterThanOrEqual(0);
        expect(nanos).toBeLessThan(1e9);
        expect(Number(seconds) * 1e6 + nanos / 1e3).toBe(instant);
      }),
    );
  });

  test("are never made of never", () => {
    expect(() => toTimestamp(Number.POSITIVE_INFINITY)).toThrow("bug");
  });
});
