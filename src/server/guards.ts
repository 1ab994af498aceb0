import type { Clock } from "../clock.ts";
import { Fault } from "../domain/fault.ts";
import {
  EVENT_LOOP_DELAY,
  GUARDS,
  type GuardName,
  MEMORY_USED,
  SHEDDING,
  SHEDDING_BEGUN,
} from "../telemetry/guard-metrics.ts";
import type { Log } from "../telemetry/log.ts";
import type { Metrics } from "../telemetry/metrics.ts";
import { createLatch, type Latch } from "./guards/latch.ts";
import { type MemoryLimit, type MemoryReading, memoryShare } from "./guards/memory.ts";

/** Keeps a process that has too much to do, or too little memory, from taking on more. */
export interface Guards extends Disposable {
  /**
   * Why nothing new is acquired now; null while it may be. What is held may end all the same, and what has ended is
   * replayed: both make the load less.
   */
  admission(): Fault | null;
}

export interface GuardsDeps {
  readonly clock: Clock;
  readonly log: Pick<Log, "warn" | "info">;
  readonly metrics: Pick<Metrics, "gauge" | "counter">;
  readonly readMemory: () => MemoryReading;
  /** Called while memory is short. */
  readonly collectGarbage: () => void;
  /** Null: not looked at. */
  readonly memory: MemoryLimit | null;
  /** 0: not looked at. */
  readonly maxEventLoopDelayMs: number;
}

/** Often enough to see a peak of a second, and nothing to speak of in cost. */
const LOOK_MS = 250;

/**
 * One long turn of the event loop, or of a machine that stood still, is over when it is seen; refusing anybody then
 * helps nobody. Two in a row are load.
 */
const LOOKS_TO_BEGIN = 2;

/** Two quiet seconds. Callers are asked to stay away for half of that. */
const LOOKS_TO_END = 8;
const RETRY_MS = 1000;

/** Half a minute: what garbage there is goes with the first time, and each time holds everybody up. */
const LOOKS_TO_COLLECT = 120;

/** It ends well below where it began, so that it does not begin again at once. */
const MEMORY_SHARE_TO_END = 0.95;
const DELAY_SHARE_TO_END = 0.5;

export function createGuards(deps: GuardsDeps): Guards {
  const { clock, memory, maxEventLoopDelayMs, metrics, readMemory } = deps;
  const looks = { begin: LOOKS_TO_BEGIN, end: LOOKS_TO_END };
  const latches: Record<GuardName, Latch> = {
    memory: createLatch(looks, MEMORY_SHARE_TO_END),
    "event-loop": createLatch(looks, DELAY_SHARE_TO_END),
  };
  const begun = metrics.counter(SHEDDING_BEGUN);
  for (const guard of GUARDS) {
    begun(guard);
    metrics.gauge(SHEDDING, () => Number(latches[guard].isSet), { guard });
  }
  let delayMs = 0;
  let used = 0;
  let looksWhileShort = 0;
  if (maxEventLoopDelayMs > 0) metrics.gauge(EVENT_LOOP_DELAY, () => delayMs / 1000);
  if (memory !== null) metrics.gauge(MEMORY_USED, () => used);

  const judge = (guard: GuardName, share: number, told: Readonly<Record<string, unknown>>) => {
    const change = latches[guard].look(share);
    if (change === "set") {
      begun(guard).value++;
      deps.log.warn(told, BEGINS[guard]);
    }
    if (change === "released") deps.log.info(told, ENDS[guard]);
  };

  const look = (lateMs: number) => {
    if (maxEventLoopDelayMs > 0) {
      delayMs = lateMs;
      judge("event-loop", lateMs / maxEventLoopDelayMs, { delayMs: Math.round(lateMs), limitMs: maxEventLoopDelayMs });
    }
    if (memory !== null) {
      const reading = readMemory();
      used = memoryShare(reading, memory);
      judge("memory", used, { ...reading, limitBytes: memory.residentBytes });
      if (!latches.memory.isSet) looksWhileShort = 0;
      else if (looksWhileShort++ % LOOKS_TO_COLLECT === 0) deps.collectGarbage();
    }
  };

  const stop = new AbortController();
  const watch = async () => {
    while (!stop.signal.aborted) {
      const asleepMs = clock.monotonicMs();
      await clock.sleep(LOOK_MS, stop.signal).catch(() => undefined);
      if (!stop.signal.aborted) look(Math.max(0, clock.monotonicMs() - asleepMs - LOOK_MS));
    }
  };
  if (memory !== null || maxEventLoopDelayMs > 0) void watch();

  return {
    admission() {
      if (!latches.memory.isSet && !latches["event-loop"].isSet) return null;
      return new Fault("OVERLOADED", "this server has more to do than it can; it acquires nothing new for now", {
        retryAfterMs: RETRY_MS,
      });
    },
    [Symbol.dispose]: () => stop.abort(),
  };
}

const BEGINS = {
  memory: "memory is short: nothing new is acquired",
  "event-loop": "the event loop is late: nothing new is acquired",
} as const satisfies Record<GuardName, string>;

const ENDS = {
  memory: "there is enough memory again",
  "event-loop": "the event loop is on time again",
} as const satisfies Record<GuardName, string>;
