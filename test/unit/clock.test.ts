import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { systemClock } from "../../src/clock.ts";
import { createCurfew } from "../../src/operations/curfew.ts";

const DAY_MS = 86_400_000;

/** What the clock has armed. Files share a process: a connection that an earlier one left may arm a timer of its own. */
const armed = new Set<unknown>();

// The timers of Node, moved by hand: as those, they ring at once if they are set for more than 2^31 - 1 ms.
beforeEach(() => {
  vi.useFakeTimers();
  armed.clear();
  const [arm, disarm] = [setTimeout, clearTimeout];
  vi.stubGlobal("setTimeout", (ring: () => void, ms?: number) => {
    const isOurs = new Error().stack?.includes("/src/clock.ts") ?? false;
    const timer = arm(() => {
      armed.delete(timer);
      ring();
    }, ms);
    if (isOurs) armed.add(timer);
    return timer;
  });
  vi.stubGlobal("clearTimeout", (timer: NodeJS.Timeout) => {
    armed.delete(timer);
    disarm(timer);
  });
});
afterEach(() => {
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

describe("the clock of the process", () => {
  test.each([1, 24, 25, 50, 3650])("sleeps for %d days, and not shorter", async (days) => {
    let isAwake = false;
    const slept = systemClock.sleep(days * DAY_MS).then(() => {
      isAwake = true;
    });
    await vi.advanceTimersByTimeAsync(days * DAY_MS - 1);
    expect(isAwake).toBe(false);
    expect(armed.size).toBe(1);
    await vi.advanceTimersByTimeAsync(1);
    await slept;
    expect(armed.size).toBe(0);
  });

  test("leaves no timer behind when it is woken, however long it would sleep and has slept", async () => {
    const reason = new Error("woken");
    for (const days of [1, 60, Number.POSITIVE_INFINITY]) {
      const woken = new AbortController();
      const slept = systemClock.sleep(days * DAY_MS, woken.signal);
      await vi.advanceTimersByTimeAsync(Math.min(days / 2, 40) * DAY_MS);
      woken.abort(reason);
      await expect(slept).rejects.toBe(reason);
      expect(armed.size).toBe(0);
    }
  });
});

test.each([1, 24.85, 24.86, 30, 10_000])("an instant in %d days is not over at once", async (days) => {
  const curfew = createCurfew(systemClock);
  let isOver = false;
  const who = {
    runOut() {
      isOver = true;
    },
  };
  const hour = curfew.at(systemClock.monotonicMs() + days * DAY_MS, who);
  await vi.advanceTimersByTimeAsync(DAY_MS - 1);
  expect(isOver).toBe(false);
  hour.forget(who);
  await vi.advanceTimersByTimeAsync(0);
  expect(armed.size).toBe(0);
});
