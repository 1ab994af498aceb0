import { expect, test } from "vitest";
import { TELLING_MS_MAX } from "../../../../src/server/limits.ts";
import { createWholePage } from "../../../../src/server/workers/whole-page.ts";
import type { CounterSpec, GaugeSpec, HistogramSpec } from "../../../../src/telemetry/metric-spec.ts";
import { createMetrics } from "../../../../src/telemetry/metrics.ts";
import { createManualClock, settled } from "../../store/manual-clock.ts";

const about = { unit: "calls", help: "Calls.", advice: "" };
const CALLS: CounterSpec = { kind: "counter", name: "calls_total", ...about, labels: { method: ["Claim", "Fail"] } };
const SECONDS: HistogramSpec = { kind: "histogram", name: "seconds", ...about, labels: {}, buckets: [1, 2] };
const OPEN: GaugeSpec = { kind: "gauge", name: "open", ...about, labels: {} };
const LATEST: GaugeSpec = { ...OPEN, name: "latest", together: "max" };
const UP: GaugeSpec = { ...OPEN, name: "up", together: "min" };
const COUNTED: GaugeSpec = { ...OPEN, name: "counted", together: "max" };

/** A process with figures that the test sets. */
function createMember() {
  const metrics = createMetrics({ ofProcess: false });
  const figures: { open: number; latest: number; up: number; counted: number | null } = {
    ...{ open: 0, latest: 0, up: 1, counted: null },
  };
  metrics.gauge(OPEN, () => figures.open);
  metrics.gauge(LATEST, () => figures.latest);
  metrics.gauge(UP, () => figures.up);
  metrics.gauge(COUNTED, () => figures.counted);
  const calls = metrics.counter(CALLS);
  const seconds = metrics.histogram(SECONDS)();
  return { ...{ metrics, figures, calls, seconds }, snapshot: () => metrics.snapshot() };
}

/** There is no answer; whoever asks is let go in time. */
function untilLate(late: AbortSignal): Promise<null> {
  return new Promise((resolve) => late.addEventListener("abort", () => resolve(null), { once: true }));
}

function setUp(members: number) {
  const clock = createManualClock();
  const { advance } = clock;
  const own = createMetrics({ ofProcess: false });
  const whole = createWholePage({ own, clock });
  const joined = Array.from({ length: members }, () => {
    const member = createMember();
    const answering = { ...member, isMute: false };
    const leave = whole.join({
      snapshot: (late) => (answering.isMute ? untilLate(late) : member.snapshot()),
    });
    return Object.assign(answering, { leave });
  });
  const page = async () => {
    const lines = (await whole.page()).split("\n").filter((line) => line !== "" && !line.startsWith("#"));
    return new Map(lines.map((line) => [line.slice(0, line.lastIndexOf(" ")), Number(line.split(" ").at(-1))]));
  };
  return { whole, joined, page, advance };
}

test("counters and histograms are added up, gauges as their spec says", async () => {
  const { joined, page } = setUp(3);
  for (const [i, { calls, seconds, figures }] of joined.entries()) {
    calls("Claim").value = 10 ** i;
    seconds.observe(i);
    Object.assign(figures, { open: i + 1, latest: 10 * i, up: Number(i !== 1), counted: i === 0 ? null : i });
  }
  const told = await page();
  expect(told.get('calls_total{method="Claim"}')).toBe(111);
  expect(told.get('calls_total{method="Fail"}')).toBe(0);
  expect([told.get('seconds_bucket{le="1"}'), told.get("seconds_count"), told.get("seconds_sum")]).toEqual([2, 3, 3]);
  expect(told.get("open")).toBe(6);
  expect(told.get("latest")).toBe(20);
  expect(told.get("up")).toBe(0);
  expect(told.get("counted")).toBe(2);
});

test("what a page has said of a counter is not taken back when its process ends, and its gauges go with it", async () => {
  const { joined, page } = setUp(2);
  const [one, other] = joined;
  for (const { calls, figures, seconds } of joined) {
    calls("Claim").value = 5;
    figures.open = 3;
    seconds.observe(1);
  }
  await page();
  one?.leave();
  other?.calls("Claim");
  expect(await page()).toEqual(
    new Map([...(await page()), ['calls_total{method="Claim"}', 10], ["seconds_count", 2], ["open", 3]]),
  );
  other?.leave();
  expect((await page()).get('calls_total{method="Claim"}')).toBe(10);
  expect((await page()).has("open")).toBe(false);
});

test("a process that does not answer in time stands there with what it had counted, and has no gauges until it does", async () => {
  const { joined, page, advance } = setUp(2);
  const [one, other] = joined;
  Object.assign(one?.calls("Claim") ?? {}, { value: 1 });
  await page();
  Object.assign(one?.calls("Claim") ?? {}, { value: 2 });
  Object.assign(other?.calls("Claim") ?? {}, { value: 10 });
  for (const { figures } of joined) figures.open = 3;
  await page();
  Object.assign(one?.calls("Claim") ?? {}, { value: 4 });
  Object.assign(one ?? {}, { isMute: true });
  const told = page();
  await settled();
  await advance(TELLING_MS_MAX);
  expect((await told).get('calls_total{method="Claim"}')).toBe(12);
  expect((await told).get("open")).toBe(3);
  Object.assign(one ?? {}, { isMute: false });
  expect((await page()).get("open")).toBe(6);
  expect((await page()).get('calls_total{method="Claim"}')).toBe(14);
});

test("whoever asks while a page is put together is told what had happened until he asked", async () => {
  const { joined, page } = setUp(1);
  const [member] = joined;
  const first = page();
  await settled();
  Object.assign(member?.calls("Claim") ?? {}, { value: 7 });
  const second = page();
  const third = page();
  await first;
  expect((await second).get('calls_total{method="Claim"}')).toBe(7);
  expect((await third).get('calls_total{method="Claim"}')).toBe(7);
});
