import { describe, expect, test } from "vitest";
import { type BreakerOptions, type BreakerState, createBreaker } from "../../../src/client/breaker.ts";
import { createManualClock } from "./manual-clock.ts";

function start(options: BreakerOptions = {}) {
  const clock = createManualClock();
  const changes: [from: BreakerState, to: BreakerState][] = [];
  const breaker = createBreaker({ failures: 3, openMs: 1_000, ...options }, clock, (...change) => changes.push(change));
  const fail = (times: number) => {
    for (let i = 0; i < times; i++) breaker.failed();
  };
  return { clock, breaker, changes, fail };
}

describe("a breaker", () => {
  test("opens at the failures in a row that it was told, and not at one less", () => {
    const { breaker, changes, fail } = start();
    fail(2);
    expect([breaker.state, breaker.admits(), breaker.retryAfterMs]).toEqual(["closed", true, 0]);
    fail(1);
    expect([breaker.state, breaker.admits(), breaker.failures]).toEqual(["open", false, 3]);
    expect(changes).toEqual([["closed", "open"]]);
  });

  test("begins to count again with every answer", () => {
    const { breaker, fail } = start();
    fail(2);
    breaker.reached();
    fail(2);
    expect([breaker.state, breaker.failures]).toEqual(["closed", 2]);
  });

  test("lets one caller try when its time is over, and nobody else until that one has been answered", async () => {
    const { breaker, clock, changes, fail } = start();
    fail(3);
    await clock.advance(999);
    expect([breaker.admits(), breaker.retryAfterMs]).toEqual([false, 1]);
    await clock.advance(1);
    expect([breaker.admits(), breaker.state, breaker.admits()]).toEqual([true, "half-open", false]);
    breaker.reached();
    expect([breaker.admits(), breaker.admits(), breaker.state]).toEqual([true, true, "closed"]);
    expect(changes.map(([, to]) => to)).toEqual(["open", "half-open", "closed"]);
  });

  test("is open for as long again when that one reaches no server", async () => {
    const { breaker, clock, fail } = start();
    fail(3);
    await clock.advance(1_000);
    expect(breaker.admits()).toBe(true);
    await clock.advance(600);
    fail(1);
    expect([breaker.state, breaker.retryAfterMs, breaker.admits()]).toEqual(["open", 1_000, false]);
  });

  test("lets another one try when the first was never heard of again", async () => {
    const { breaker, clock, fail } = start();
    fail(3);
    await clock.advance(1_000);
    expect(breaker.admits()).toBe(true);
    await clock.advance(1_000);
    expect([breaker.admits(), breaker.admits()]).toEqual([true, false]);
  });

  test("is not kept open by calls that are not held back, and is closed by one of them that is answered", async () => {
    const { breaker, clock, fail } = start();
    fail(3);
    await clock.advance(900);
    fail(5);
    await clock.advance(100);
    expect(breaker.admits()).toBe(true);
    breaker.failed();
    breaker.reached();
    expect(breaker.state).toBe("closed");
  });

  test.each<[string, BreakerOptions]>([
    ["failures", { failures: 0 }],
    ["failures", { failures: 1.5 }],
    ["openMs", { openMs: Number.NaN }],
    ["openMs", { openMs: 600_001 }],
    ["failOpenAfterMs", { failOpenAfterMs: Number.POSITIVE_INFINITY }],
  ])("refuses another %s than it can hold: %j", (name, options) => {
    expect(() => start(options)).toThrow(new RegExp(`^breaker\\.${name} must be a whole number from 1 to \\d+$`));
  });
});
