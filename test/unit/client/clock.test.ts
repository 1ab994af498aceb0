import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import { systemClock } from "../../../src/client/clock.ts";

describe("the client's clock", () => {
  test.each([2 ** 31, 2 ** 40, Number.POSITIVE_INFINITY])("does not call back at once after %d ms", async (ms) => {
    let called = false;
    const cancel = systemClock.after(ms, () => {
      called = true;
    });
    await sleep(20);
    cancel();
    expect(called).toBe(false);
  });

  test("calls back once, and not when cancelled", async () => {
    const calls: string[] = [];
    systemClock.after(1, () => calls.push("kept"));
    systemClock.after(1, () => calls.push("cancelled"))();
    await sleep(20);
    expect(calls).toEqual(["kept"]);
  });

  test("holds no process open with what it will call back", () => {
    const before = process.getActiveResourcesInfo().filter((name) => name === "Timeout").length;
    const cancel = systemClock.after(10_000, () => undefined);
    expect(process.getActiveResourcesInfo().filter((name) => name === "Timeout")).toHaveLength(before);
    cancel();
  });

  test("ends a sleep with the signal's reason, and leaves no timer and no listener", async () => {
    const before = process.getActiveResourcesInfo().filter((name) => name === "Timeout").length;
    const controller = new AbortController();
    const reason = new Error("woken");
    const sleeping = systemClock.sleep(10_000, controller.signal);
    controller.abort(reason);
    await expect(sleeping).rejects.toBe(reason);
    await expect(systemClock.sleep(10_000, controller.signal)).rejects.toBe(reason);
    expect(process.getActiveResourcesInfo().filter((name) => name === "Timeout")).toHaveLength(before);
  });
});
