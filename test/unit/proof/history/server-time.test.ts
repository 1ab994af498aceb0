import { expect, test } from "vitest";
import type { CallLine, MarkLine } from "../../../../proof/history/format.ts";
import { createServerTimes } from "../../../../proof/history/server-time.ts";
import { at } from "./lines.ts";

/** The database's clock is 5 s ahead. */
const reading = (atMs: number, aheadMs = 5000) => ({
  ...{ callNs: at(atMs), returnNs: at(atMs + 2), us: (atMs + 1 + aheadMs) * 1000 },
});
const call = (fromMs: number, toMs: number | null): CallLine =>
  ({ call_ns: at(fromMs), return_ns: toMs === null ? null : at(toMs), output: { kind: "completed" } }) as CallLine;
const step: MarkLine = { v: 1, mark: "clock-step", from_ns: at(50), to_ns: at(60) };

test("the time of an answer that does not tell it is known by the answers that do", () => {
  const times = createServerTimes([reading(0), reading(100)], []);
  expect(times.of(call(40, 42))).toEqual({ loUs: 5_038_999, hiUs: 5_043_001 });
  expect(times.of(call(40, null))).toEqual({ loUs: 5_038_999, hiUs: Number.POSITIVE_INFINITY });
  expect(times.movedUs).toBe(0);
});

test("an answer that tells its time is known to the microsecond", () => {
  const times = createServerTimes([reading(0)], []);
  expect(times.of({ ...call(40, 42), server_time_us: 1000 })).toEqual({ loUs: 999, hiUs: 1001 });
});

test("without any answer that tells, nothing is known", () => {
  const ever = { loUs: Number.NEGATIVE_INFINITY, hiUs: Number.POSITIVE_INFINITY };
  expect(createServerTimes([], []).of(call(0, 1))).toEqual(ever);
});

test("a clock that moved without a mark makes every span wider, and is told", () => {
  const times = createServerTimes([reading(0), reading(100, 5010)], []);
  expect(times.movedUs).toBe(8000);
  const { loUs, hiUs } = times.of(call(40, 42));
  expect(loUs).toBeLessThanOrEqual(5_039_000);
  expect(hiUs).toBeGreaterThanOrEqual(5_053_000);
});

test("across a marked step of the clock nothing is concluded, and before and after it each for itself", () => {
  const times = createServerTimes([reading(0), reading(100, 3_600_000)], [step]);
  expect(times.movedUs).toBe(0);
  expect(times.of(call(40, 42)).hiUs).toBeLessThan(6_000_000);
  expect(times.of(call(70, 72)).loUs).toBeGreaterThan(3_600_000_000);
  expect(times.of(call(40, 72)).hiUs).toBe(Number.POSITIVE_INFINITY);
});

test("after the clock was set back, it is known what it may have shown before", () => {
  const back: MarkLine = { ...step, from_ns: at(150), to_ns: at(160) };
  const times = createServerTimes([reading(0), reading(100, 3_600_000), reading(200)], [back, step]);
  expect(times.of(call(170, 172)).hiUs).toBeLessThan(6_000_000);
  expect(times.latestUs(call(170, 172))).toBeGreaterThan(3_600_150_000);
  expect(times.latestUs(call(170, 172))).toBeLessThan(3_600_170_000);
  expect(times.latestUs(call(40, 42))).toBe(times.of(call(40, 42)).hiUs);
  const silent = createServerTimes([reading(0), reading(200)], [back, step]);
  expect(silent.latestUs(call(170, 172))).toBe(Number.POSITIVE_INFINITY);
});
