import { expect, test } from "vitest";
import { addMs, type Instant } from "../../../src/domain/instant.ts";
import { silentObserver } from "../../../src/store/observer.ts";
import type { Swept } from "../../../src/store/store.ts";
import { createSweeper } from "../../../src/store/sweeper.ts";
import { NOW } from "../../support/records.ts";
import { createManualClock, settled } from "./manual-clock.ts";

const INTERVAL_MS = 10_000;
const LIMIT = 100;
const nothing: Swept = { forgotten: 0, abandoned: 0, emptied: 0, settled: 0, round: null };

function setUp(passes: readonly Partial<Swept>[] = []) {
  const clock = createManualClock();
  const startMs = clock.monotonicMs();
  const seen = {
    passes: 0,
    overlapping: 0,
    inside: 0,
    stepped: [] as number[],
    swept: [] as Swept[],
    errors: [] as unknown[],
    upTo: [] as (Instant | undefined)[],
  };
  const database = { offsetMs: 0, failing: false, gate: Promise.resolve() };
  const databaseNow = async (): Promise<Instant> => {
    if (database.failing) throw new Error("the database is down");
    return addMs(NOW, clock.monotonicMs() - startMs + database.offsetMs);
  };
  const sweep = async (limit: number, upTo?: Instant): Promise<Swept> => {
    expect(limit).toBe(LIMIT);
    seen.upTo.push(upTo);
    seen.inside++;
    seen.overlapping = Math.max(seen.overlapping, seen.inside);
    await database.gate;
    seen.inside--;
    return { ...nothing, ...passes[seen.passes++] };
  };
  const sweeper = createSweeper({
    store: { sweep },
    clock,
    databaseNow,
    observer: {
      ...silentObserver,
      swept: (swept) => seen.swept.push(swept),
      clockStepped: (ms) => seen.stepped.push(ms),
    },
    intervalMs: INTERVAL_MS,
    limit: LIMIT,
    onError: (error) => seen.errors.push(error),
    random: () => 0.5,
  });
  return { clock, sweeper, seen, database };
}

test("no pass comes before both clocks could be compared, and then one in each interval", async () => {
  const { clock, sweeper, seen } = setUp();
  sweeper.start();
  await settled();
  expect(seen.passes).toBe(0);
  await clock.advance(INTERVAL_MS);
  expect(seen.passes).toBe(1);
  await clock.advance(3 * INTERVAL_MS);
  expect(seen.passes).toBe(4);
  await sweeper.stop();
});

test("a full pass is followed by another at once, whichever of its counts is full", async () => {
  const full = [{ forgotten: LIMIT }, { abandoned: LIMIT }, { emptied: LIMIT }, { settled: LIMIT }, { forgotten: 99 }];
  const { clock, sweeper, seen } = setUp(full);
  sweeper.start();
  await clock.advance(INTERVAL_MS);
  expect(seen.passes).toBe(5);
  expect(seen.swept.map((swept) => swept.forgotten)).toEqual([LIMIT, 0, 0, 0, 99]);
  await sweeper.stop();
});

test("a pass goes no further than the instant that was compared, whatever the clock shows when it runs", async () => {
  const { clock, sweeper, seen, database } = setUp([{ forgotten: LIMIT }]);
  sweeper.start();
  await clock.advance(INTERVAL_MS);
  database.offsetMs = 3_600_000;
  await clock.advance(INTERVAL_MS);
  const first = addMs(NOW, INTERVAL_MS);
  expect(seen.upTo).toEqual([first, first]);
  await sweeper.stop();
});

test("a pass that takes longer than the interval is not overtaken by the next", async () => {
  const { clock, sweeper, seen, database } = setUp();
  const gate = Promise.withResolvers<void>();
  database.gate = gate.promise;
  sweeper.start();
  await clock.advance(5 * INTERVAL_MS);
  expect(seen.inside).toBe(1);
  gate.resolve();
  await clock.advance(INTERVAL_MS);
  expect(seen.overlapping).toBe(1);
  expect(seen.passes).toBe(2);
  await sweeper.stop();
});

test.for([
  ["ahead", 61_000],
  ["back", -61_000],
] as const)("a database clock that jumps %s costs one pass and is told", async ([, stepMs]) => {
  const { clock, sweeper, seen, database } = setUp();
  sweeper.start();
  await clock.advance(INTERVAL_MS);
  database.offsetMs = stepMs;
  await clock.advance(INTERVAL_MS);
  expect(seen.passes).toBe(1);
  expect(seen.stepped.map(Math.round)).toEqual([stepMs]);
  await clock.advance(INTERVAL_MS);
  expect(seen.passes).toBe(2);
  expect(seen.stepped).toHaveLength(1);
  await sweeper.stop();
});

test("a database clock that is corrected by a minute or less costs nothing", async () => {
  const { clock, sweeper, seen, database } = setUp();
  sweeper.start();
  await clock.advance(INTERVAL_MS);
  database.offsetMs = 59_000;
  await clock.advance(INTERVAL_MS);
  expect(seen.passes).toBe(2);
  expect(seen.stepped).toEqual([]);
  await sweeper.stop();
});

test("the clock is compared between the passes of one run, too", async () => {
  const { clock, sweeper, seen, database } = setUp([{ forgotten: LIMIT }, { forgotten: LIMIT }]);
  const gate = Promise.withResolvers<void>();
  database.gate = gate.promise;
  sweeper.start();
  await clock.advance(INTERVAL_MS);
  database.offsetMs = 3_600_000;
  gate.resolve();
  await settled();
  expect(seen.passes).toBe(1);
  expect(seen.stepped).toHaveLength(1);
  await sweeper.stop();
});

test("a failing database is reported and does not end the sweeper", async () => {
  const { clock, sweeper, seen, database } = setUp();
  database.failing = true;
  sweeper.start();
  await clock.advance(2 * INTERVAL_MS);
  expect(seen.errors).toHaveLength(3);
  database.failing = false;
  await clock.advance(2 * INTERVAL_MS);
  expect(seen.passes).toBe(1);
  await sweeper.stop();
});

test("an abort ends the pause at once, and no further pass begins", async () => {
  const { clock, sweeper, seen } = setUp();
  const abort = new AbortController();
  sweeper.start(abort.signal);
  await clock.advance(INTERVAL_MS);
  abort.abort();
  await sweeper.stop();
  expect(clock.sleepers).toBe(0);
  await clock.advance(10 * INTERVAL_MS);
  expect(seen.passes).toBe(1);
});

test("stopping waits for the pass under way, and full as it may be, it is the last", async () => {
  const { clock, sweeper, seen, database } = setUp([{ forgotten: LIMIT }]);
  const gate = Promise.withResolvers<void>();
  database.gate = gate.promise;
  sweeper.start();
  await clock.advance(INTERVAL_MS);
  let stopped = false;
  const stopping = sweeper.stop().then(() => {
    stopped = true;
  });
  await settled();
  expect(stopped).toBe(false);
  gate.resolve();
  await stopping;
  expect(seen.passes).toBe(1);
  expect(seen.swept).toHaveLength(1);
});
