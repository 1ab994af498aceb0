import { describe, expect, test } from "vitest";
import type { Clock } from "../../../src/clock.ts";
import { createLatch } from "../../../src/server/guards/latch.ts";
import {
  collectGarbage,
  memoryLimitOf,
  memoryShare,
  readProcessMemory,
  shareOf,
} from "../../../src/server/guards/memory.ts";
import { createGuards, type GuardsDeps } from "../../../src/server/guards.ts";
import { createMetrics } from "../../../src/telemetry/metrics.ts";
import { settled } from "../store/manual-clock.ts";

const MIB = 2 ** 20;
const CALM = { residentBytes: 100 * MIB, heapBytes: 10 * MIB, externalBytes: MIB, heapLimitBytes: 1000 * MIB };

/** One sleeper, who is woken as late as the test says. */
function createLateClock() {
  let nowMs = 1_000_000;
  let sleeper: { readonly ms: number; readonly wake: () => void } | null = null;
  const clock: Clock = {
    monotonicMs: () => nowMs,
    turn: () => Promise.reject(new Error("not used")),
    sleep: (ms, signal) =>
      new Promise((wake, reject) => {
        sleeper = { ms, wake };
        signal?.addEventListener("abort", () => {
          sleeper = null;
          reject(signal.reason);
        });
      }),
  };
  const wake = async (lateMs: number) => {
    nowMs += (sleeper?.ms ?? 0) + lateMs;
    sleeper?.wake();
    await settled();
  };
  return { clock, wake, hasSleeper: () => sleeper !== null };
}

function setUp(limits: Partial<Pick<GuardsDeps, "memory" | "maxEventLoopDelayMs">> = {}) {
  const { clock, wake, hasSleeper } = createLateClock();
  const lines: string[] = [];
  const metrics = createMetrics({ ofProcess: false });
  let reading = CALM;
  let collected = 0;
  const guards = createGuards({
    ...{ clock, metrics, memory: { residentBytes: 500 * MIB }, maxEventLoopDelayMs: 1000, ...limits },
    readMemory: () => reading,
    collectGarbage: () => {
      collected++;
    },
    log: {
      warn: (_, message) => void lines.push(`warn ${message}`),
      info: (_, message) => void lines.push(`info ${message}`),
    },
  });
  const looks = async (count: number, lateMs = 0, memory = CALM) => {
    reading = memory;
    for (let i = 0; i < count; i++) await wake(lateMs);
    return guards.admission()?.code ?? null;
  };
  const sample = async (name: string) => {
    const line = (await metrics.page()).split("\n").find((candidate) => candidate.startsWith(`${name} `));
    return line === undefined ? undefined : Number(line.slice(name.length));
  };
  return { guards, looks, lines, sample, hasSleeper, collected: () => collected };
}

describe("the event loop", () => {
  test("that is late twice in a row has nothing new acquired, and callers asked to stay away for a second", async () => {
    const { guards, looks, lines, sample } = setUp();
    expect(await looks(1, 1001)).toBeNull();
    expect(await looks(1, 1001)).toBe("OVERLOADED");
    expect(guards.admission()?.retryAfterMs).toBe(1000);
    expect(await looks(5, 5000)).toBe("OVERLOADED");
    expect(lines).toEqual(["warn the event loop is late: nothing new is acquired"]);
    expect(await sample('holdfast_shedding{guard="event-loop"}')).toBe(1);
    expect(await sample('holdfast_shedding{guard="memory"}')).toBe(0);
    expect(await sample('holdfast_shedding_begun_total{guard="event-loop"}')).toBe(1);
    expect(await sample("holdfast_event_loop_delay_seconds")).toBe(5);
  });

  test("that was late once, because the machine stood still, refuses nobody", async () => {
    const { looks, lines } = setUp();
    for (let i = 0; i < 5; i++) {
      expect(await looks(1, 60_000)).toBeNull();
      expect(await looks(1)).toBeNull();
    }
    expect(lines).toEqual([]);
  });

  test("that is at its limit refuses nobody", async () => {
    const { looks } = setUp();
    expect(await looks(10, 1000)).toBeNull();
  });

  test("has to be on time for two seconds, by far, before anything new is acquired again", async () => {
    const { looks, lines, sample } = setUp();
    await looks(2, 2000);
    expect(await looks(20, 500)).toBe("OVERLOADED");
    expect(await looks(7, 499)).toBe("OVERLOADED");
    expect(await looks(1, 500)).toBe("OVERLOADED");
    expect(await looks(7, 499)).toBe("OVERLOADED");
    expect(await looks(1, 499)).toBeNull();
    expect(lines.at(-1)).toBe("info the event loop is on time again");
    expect(await sample('holdfast_shedding{guard="event-loop"}')).toBe(0);
    expect(await looks(2, 2000)).toBe("OVERLOADED");
    expect(await sample('holdfast_shedding_begun_total{guard="event-loop"}')).toBe(2);
  });
});

describe("memory", () => {
  test("above its limit has nothing new acquired, until it is well below for two seconds", async () => {
    const { looks, lines, sample } = setUp();
    const busy = { ...CALM, heapBytes: 200 * MIB, externalBytes: 100 * MIB };
    const over = { ...busy, residentBytes: 501 * MIB };
    expect(await looks(1, 0, over)).toBeNull();
    expect(await looks(1, 0, over)).toBe("OVERLOADED");
    expect(await sample("holdfast_memory_used_ratio")).toBeCloseTo(501 / 500);
    expect(await looks(20, 0, { ...busy, residentBytes: 476 * MIB })).toBe("OVERLOADED");
    expect(await looks(8, 0, { ...busy, residentBytes: 474 * MIB })).toBeNull();
    expect(lines).toEqual(["warn memory is short: nothing new is acquired", "info there is enough memory again"]);
  });

  test("that is in use no more and was not given back to the machine refuses nobody", async () => {
    const { looks, sample } = setUp();
    const kept = { ...CALM, residentBytes: 900 * MIB };
    expect(await looks(20, 0, { ...kept, heapBytes: 150 * MIB, externalBytes: 99 * MIB })).toBeNull();
    expect(await sample("holdfast_memory_used_ratio")).toBeCloseTo(249 / 250);
    expect(await looks(2, 0, { ...kept, heapBytes: 150 * MIB, externalBytes: 101 * MIB })).toBe("OVERLOADED");
    expect(await looks(8, 0, kept)).toBeNull();
  });

  test("is looked through for garbage when it is short and every half minute from then on: nobody else does while nothing is acquired", async () => {
    const { looks, collected } = setUp();
    const over = { ...CALM, residentBytes: 600 * MIB, externalBytes: 300 * MIB };
    await looks(1, 0, over);
    expect(collected()).toBe(0);
    await looks(1, 0, over);
    expect(collected()).toBe(1);
    await looks(119, 0, over);
    expect(collected()).toBe(1);
    await looks(1, 0, over);
    expect(collected()).toBe(2);
    await looks(300);
    expect(collected()).toBe(2);
  });

  test("of this process is free of garbage once that was collected", () => {
    let garbage: unknown = Array.from({ length: 400_000 }, (_, i) => ({ i, text: `garbage ${i}` }));
    const before = readProcessMemory();
    expect(garbage).toBeDefined();
    garbage = null;
    collectGarbage();
    expect(before.heapBytes - readProcessMemory().heapBytes).toBeGreaterThan(10 * MIB);
  });

  test("of the heap counts too, also without a limit for the process", async () => {
    const { looks } = setUp({ memory: { residentBytes: Number.POSITIVE_INFINITY } });
    expect(await looks(5, 0, { ...CALM, residentBytes: 1e15, heapBytes: 899 * MIB })).toBeNull();
    expect(await looks(2, 0, { ...CALM, heapBytes: 901 * MIB })).toBe("OVERLOADED");
  });

  test("and the event loop are judged apart", async () => {
    const { looks } = setUp();
    const over = { ...CALM, residentBytes: 600 * MIB, externalBytes: 300 * MIB };
    await looks(2, 2000, over);
    expect(await looks(8, 0, over)).toBe("OVERLOADED");
    expect(await looks(8)).toBeNull();
  });

  test.each([
    ["off", 0, { constrainedBytes: 512 * MIB, totalBytes: 8192 * MIB }, null],
    ["as it was set", 300 * MIB, { constrainedBytes: 512 * MIB, totalBytes: 8192 * MIB }, { residentBytes: 300 * MIB }],
    ["85 % of the container", null, { constrainedBytes: 1000, totalBytes: 8192 * MIB }, { residentBytes: 850 }],
    [
      "none on a machine without limit",
      null,
      { constrainedBytes: 2 ** 64, totalBytes: 8192 * MIB },
      { residentBytes: Number.POSITIVE_INFINITY },
    ],
    [
      "none where that is not known",
      null,
      { constrainedBytes: 0, totalBytes: 8192 * MIB },
      { residentBytes: Number.POSITIVE_INFINITY },
    ],
  ])("its limit is %s", (_, configured, machine, limit) => {
    expect(memoryLimitOf(configured, machine)).toEqual(limit);
  });

  test("is shared evenly by the processes of a server", () => {
    expect(shareOf({ residentBytes: 1000 * MIB }, 4)).toEqual({ residentBytes: 250 * MIB });
    expect(shareOf({ residentBytes: Number.POSITIVE_INFINITY }, 4)).toEqual({
      residentBytes: Number.POSITIVE_INFINITY,
    });
    expect(shareOf(null, 4)).toBeNull();
  });

  test("of this process can be read", () => {
    const reading = readProcessMemory();
    expect(reading.residentBytes).toBeGreaterThan(MIB);
    expect(reading.heapLimitBytes).toBeGreaterThan(reading.heapBytes);
    expect(reading.externalBytes).toBeGreaterThan(0);
    // Of a limit that is so low, more than half is in use.
    const low = { residentBytes: reading.heapBytes / 2 };
    expect(memoryShare(reading, low)).toBeCloseTo(
      Math.min(
        reading.residentBytes / low.residentBytes,
        (reading.heapBytes + reading.externalBytes) / (low.residentBytes / 2),
      ),
    );
    expect(memoryLimitOf(null)).not.toBeNull();
  });
});

test("what is off is not looked at, and has no metric", async () => {
  const onlyLoop = setUp({ memory: null });
  expect(await onlyLoop.looks(5, 0, { ...CALM, residentBytes: 1e15 })).toBeNull();
  expect(await onlyLoop.sample("holdfast_memory_used_ratio")).toBeUndefined();
  const onlyMemory = setUp({ maxEventLoopDelayMs: 0 });
  expect(await onlyMemory.looks(5, 60_000)).toBeNull();
  expect(await onlyMemory.sample("holdfast_event_loop_delay_seconds")).toBeUndefined();
  expect(setUp({ memory: null, maxEventLoopDelayMs: 0 }).hasSleeper()).toBe(false);
});

test("when the server stops, nobody looks any more", () => {
  const { guards, hasSleeper } = setUp();
  expect(hasSleeper()).toBe(true);
  guards[Symbol.dispose]();
  expect(hasSleeper()).toBe(false);
});

test("a latch needs its looks in a row", () => {
  const latch = createLatch({ begin: 3, end: 2 }, 0.5);
  const seen = [2, 2, 1, 2, 2, 2, 0.4, 0.5, 0.4, 0.4].map((share) => latch.look(share));
  expect(seen).toEqual([null, null, null, null, null, "set", null, null, null, "released"]);
});
