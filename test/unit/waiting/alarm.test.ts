import { expect, test } from "vitest";
import { createAlarm } from "../../../src/waiting/alarm.ts";
import { createManualClock, settled } from "../store/manual-clock.ts";

test("a rest ends when its time is over, and says so", async () => {
  const clock = createManualClock();
  const rest = createAlarm(clock).rest(100);
  await clock.advance(100);
  expect(await rest).toBe(true);
});

test("a ring ends a rest at once and leaves no timer", async () => {
  const clock = createManualClock();
  const alarm = createAlarm(clock);
  const rest = alarm.rest(100);
  await settled();
  alarm.ring();
  expect(await rest).toBe(false);
  expect(clock.sleepers).toBe(0);
});

test("a ring while nobody rests ends the next rest, and only that one", async () => {
  const clock = createManualClock();
  const alarm = createAlarm(clock);
  alarm.ring();
  alarm.ring();
  expect(await alarm.rest(100)).toBe(false);
  const second = alarm.rest(100);
  await clock.advance(100);
  expect(await second).toBe(true);
});

test("a ring in the very moment in which the time is over is not lost", async () => {
  const clock = createManualClock();
  const alarm = createAlarm(clock);
  const rest = alarm.rest(100);
  void clock.sleep(100).then(() => alarm.ring());
  await clock.advance(100);
  const [first, second] = [await rest, alarm.rest(Number.POSITIVE_INFINITY)];
  if (first) expect(await second).toBe(false);
  else expect(await Promise.race([second, settled().then(() => "rests")])).toBe("rests");
});

test("a rest without end has no timer and ends by a ring", async () => {
  const clock = createManualClock();
  const alarm = createAlarm(clock);
  const rest = alarm.rest(Number.POSITIVE_INFINITY);
  await settled();
  expect(clock.sleepers).toBe(0);
  alarm.ring();
  expect(await rest).toBe(false);
});

test("a rest of less than no time is over", async () => {
  const clock = createManualClock();
  const rest = createAlarm(clock).rest(-5);
  await clock.advance(0);
  expect(await rest).toBe(true);
});
