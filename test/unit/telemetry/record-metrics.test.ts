import { expect, test } from "vitest";
import { watchSweeps } from "../../../src/server/placement/sweep-status.ts";
import { silentObserver } from "../../../src/store/observer.ts";
import type { OpenRecords } from "../../../src/store/operator-store.ts";
import type { Swept } from "../../../src/store/store.ts";
import { createMetrics } from "../../../src/telemetry/metrics.ts";
import { addRecordGauges } from "../../../src/telemetry/record-metrics.ts";
import { createManualClock } from "../store/manual-clock.ts";

const LIMIT = 100;
const NOTHING: Swept = { forgotten: 0, abandoned: 0, emptied: 0, settled: 0, round: null };
const COUNTED: OpenRecords = {
  open: 7,
  stuck: { "outcome-unknown": 2, "lease-expired": 1, overdue: 0 },
  stuckMsMax: { "outcome-unknown": 90_000, "lease-expired": 60_500, overdue: 0 },
};

function setUp() {
  const clock = createManualClock();
  const told: Swept[] = [];
  const sweeps = watchSweeps(clock, { ...silentObserver, swept: (swept) => void told.push(swept) }, LIMIT);
  const metrics = createMetrics({ ofProcess: false });
  addRecordGauges(metrics, "main", () => sweeps.status().count);
  const series = async () => (await metrics.page()).match(/^holdfast_.*$/gm);
  return { clock, told, sweeps, swept: sweeps.observer.swept, series };
}

test("before the first round nothing is said of open records, rather than that there are none", async () => {
  const { swept, series } = setUp();
  expect(await series()).toBe(null);
  swept(NOTHING, 1);
  expect(await series()).toBe(null);
});

test("a finished round is told until the next one, with its age", async () => {
  const { clock, swept, series } = setUp();
  swept({ ...NOTHING, round: COUNTED }, 1);
  await clock.advance(30_000);
  swept(NOTHING, 1);
  expect(await series()).toEqual([
    'holdfast_open_records{placement="main"} 7',
    'holdfast_open_records_age_seconds{placement="main"} 30',
    'holdfast_stuck_records{placement="main",reason="outcome-unknown"} 2',
    'holdfast_stuck_records{placement="main",reason="lease-expired"} 1',
    'holdfast_stuck_records{placement="main",reason="overdue"} 0',
    'holdfast_stuck_seconds_max{placement="main",reason="outcome-unknown"} 90',
    'holdfast_stuck_seconds_max{placement="main",reason="lease-expired"} 60.5',
    'holdfast_stuck_seconds_max{placement="main",reason="overdue"} 0',
  ]);
});

test("the sweeper lags from when its passes are full, however often they come", async () => {
  const { clock, sweeps, swept, told } = setUp();
  const full = { ...NOTHING, forgotten: LIMIT };
  swept(NOTHING, 1);
  await clock.advance(10_000);
  swept(full, 1);
  await clock.advance(10_000);
  swept(full, 1);
  expect(sweeps.status()).toEqual({ ageMs: 0, lagMs: 20_000, count: null });
  swept({ ...NOTHING, emptied: LIMIT - 1 }, 1);
  await clock.advance(5_000);
  expect(sweeps.status()).toEqual({ ageMs: 5_000, lagMs: 5_000, count: null });
  expect(told).toHaveLength(4);
});

test("a sweeper that has not passed yet is as old as the placement", async () => {
  const { clock, sweeps } = setUp();
  await clock.advance(60_000);
  expect(sweeps.status()).toEqual({ ageMs: 60_000, lagMs: 60_000, count: null });
});
