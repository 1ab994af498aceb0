import { never } from "../client/runtime.ts";
import type { Instant } from "../domain/instant.ts";
import { checkMs } from "./faults.ts";
import type { Time } from "./time.ts";

/** The one clock of a test server and of its clients. */
export interface TestClock {
  /**
   * Moves the time on by so much: leases run out, heartbeats are sent, retries are made and retentions end, each at its
   * own moment. Resolves when everything that follows from them by itself has happened, what your own code does about it
   * included; only what waits for something else than this clock, a file, a socket or a timer of Node, is not waited for.
   * By 0, it only lets everything happen that follows from what has happened so far.
   *
   * A real clock moves by itself: with one, it waits for so long.
   */
  advance(ms: number): Promise<void>;
  /**
   * Settles with the promise, and moves the time on from one timer to the next until it has: for whatever takes time by
   * itself, such as a retry after a lost answer.
   *
   * @param withinMs of this clock; default one hour
   * @throws Error if it has not settled within that, or if no timer is left that could change that
   */
  until<T>(promise: Promise<T>, withinMs?: number): Promise<T>;
  /** Resolves when so much of this clock's time has passed: for work that is to take a while. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
  /** What the server takes the time for. A manual clock begins with 2026. */
  now(): Date;
}

const HOUR_MS = 3_600_000;
const MICROS_PER_MS = 1_000;

export function createTestClock(time: Time, now: () => Instant): TestClock {
  return {
    advance: async (ms) => await time.advance(checkMs("advance()", ms)),
    until: async (promise, withinMs = HOUR_MS) => await time.until(promise, checkMs("withinMs", withinMs)),
    sleep: async (ms, signal = never()) => await time.sleep(checkMs("sleep()", ms), signal),
    now: () => new Date(now() / MICROS_PER_MS),
  };
}
