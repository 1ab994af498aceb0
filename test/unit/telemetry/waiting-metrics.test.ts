import { describe, expect, test } from "vitest";
import { createMetrics } from "../../../src/telemetry/metrics.ts";
import { addWaitingGauges, createWaitingMetrics } from "../../../src/telemetry/waiting-metrics.ts";
import { createManualClock } from "../store/manual-clock.ts";

function setUp() {
  const metrics = createMetrics({ ofProcess: false });
  const clock = createManualClock();
  const warnings: object[] = [];
  const observer = createWaitingMetrics({ metrics, clock, log: { warn: (fields) => warnings.push(fields) } });
  const state = { calls: 0, waiters: 0, keys: 0, isListening: false };
  addWaitingGauges({
    metrics,
    placement: "main",
    hub: { status: () => state },
    isListening: () => state.isListening,
    isWanted: () => state.isListening,
  });
  /** The series without buckets. */
  const series = async () => (await metrics.page()).split("\n").filter((line) => !/^#|_bucket|^$/.test(line));
  const risen = async () => (await series()).filter((line) => !line.endsWith(" 0"));
  return { observer, clock, state, warnings, series, risen };
}

test("every series stands at 0 from the start, and none has a label that a caller chooses", async () => {
  const { series } = setUp();
  expect(await series()).toEqual([
    'holdfast_wakeup_seconds_sum{path="local"} 0',
    'holdfast_wakeup_seconds_count{path="local"} 0',
    'holdfast_wakeup_seconds_sum{path="notified"} 0',
    'holdfast_wakeup_seconds_count{path="notified"} 0',
    'holdfast_wakeup_seconds_sum{path="polled"} 0',
    'holdfast_wakeup_seconds_count{path="polled"} 0',
    "holdfast_wait_failures_total 0",
    "holdfast_promotions_total 0",
    "holdfast_promotions_given_back_total 0",
    'holdfast_notifications_total{event="sent"} 0',
    'holdfast_notifications_total{event="received"} 0',
    'holdfast_notifications_total{event="dropped"} 0',
    "holdfast_listener_probe_seconds_sum 0",
    "holdfast_listener_probe_seconds_count 0",
    'holdfast_waiting_calls{placement="main"} 0',
    'holdfast_waiters{placement="main"} 0',
    'holdfast_waited_keys{placement="main"} 0',
    'holdfast_listener_up{placement="main"} 0',
    'holdfast_listener_wanted{placement="main"} 0',
  ]);
});

test("what happens is counted: wake-ups by path, promotions, notifications by id, probes", async () => {
  const { observer, risen } = setUp();
  observer.woke("notified", 2);
  observer.woke("polled", 250);
  observer.promoted();
  observer.promoted();
  observer.gaveBack();
  observer.notificationsSent(493);
  observer.notificationsReceived(500);
  observer.notificationsDropped(7, new Error("lost"));
  observer.probed(1);
  expect(await risen()).toEqual([
    'holdfast_wakeup_seconds_sum{path="notified"} 0.002',
    'holdfast_wakeup_seconds_count{path="notified"} 1',
    'holdfast_wakeup_seconds_sum{path="polled"} 0.25',
    'holdfast_wakeup_seconds_count{path="polled"} 1',
    "holdfast_promotions_total 2",
    "holdfast_promotions_given_back_total 1",
    'holdfast_notifications_total{event="sent"} 493',
    'holdfast_notifications_total{event="received"} 500',
    'holdfast_notifications_total{event="dropped"} 7',
    "holdfast_listener_probe_seconds_sum 0.001",
    "holdfast_listener_probe_seconds_count 1",
  ]);
});

test("the gauges are what the hub and the listener say at the scrape", async () => {
  const { state, risen } = setUp();
  Object.assign(state, { calls: 3, waiters: 300, keys: 2, isListening: true });
  expect(await risen()).toEqual([
    'holdfast_waiting_calls{placement="main"} 3',
    'holdfast_waiters{placement="main"} 300',
    'holdfast_waited_keys{placement="main"} 2',
    'holdfast_listener_up{placement="main"} 1',
    'holdfast_listener_wanted{placement="main"} 1',
  ]);
});

describe("failures", () => {
  test("are all counted, and logged once a second, with how many there were", async () => {
    const { observer, clock, warnings, risen } = setUp();
    const [first, later] = [new Error("first"), new Error("later")];
    observer.failed(first);
    for (let i = 0; i < 500; i++) observer.failed(new Error("between"));
    await clock.advance(999);
    observer.failed(new Error("between"));
    expect(warnings).toEqual([{ error: first, times: 1 }]);
    await clock.advance(1);
    observer.failed(later);
    expect(warnings).toEqual([
      { error: first, times: 1 },
      { error: later, times: 502 },
    ]);
    expect(await risen()).toEqual(["holdfast_wait_failures_total 503"]);
  });

  test("of one kind do not silence the other", () => {
    const { observer, warnings } = setUp();
    const [read, lost] = [new Error("read"), new Error("lost")];
    observer.failed(read);
    observer.notificationsDropped(10, lost);
    expect(warnings).toEqual([
      { error: read, times: 1 },
      { error: lost, times: 1 },
    ]);
  });
});
