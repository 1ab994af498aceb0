import { createHistogram } from "node:perf_hooks";
import { expect, test } from "vitest";
import type { Audit } from "../../../../src/cli/demo/audit.ts";
import { createTally, formatTable, formatVerdict, makeReport } from "../../../../src/cli/demo/report.ts";

const audit: Audit = { executions: 2, duplicates: [], lost: [] };

function report(found: Audit = audit, isWaitedFor = true) {
  const claims = createHistogram();
  const wakes = createHistogram();
  for (let ms = 1; ms <= 100; ms++) {
    claims.record(ms * 1_000);
    if (isWaitedFor) wakes.record(ms * 2_000);
  }
  return makeReport({ events: 2, deliveries: 9, audit: found, tally: createTally(), claims, wakes, ms: 1_234.567 });
}

test("the report has exactly the members that are promised", () => {
  expect(Object.keys(report())).toEqual([
    "events",
    "deliveries",
    "executions",
    "duplicates",
    "lost",
    "replays",
    "takeovers",
    "promotions",
    "reconciled",
    "mismatches",
    "workersKilled",
    "serversKilled",
    "claimP50Ms",
    "claimP99Ms",
    "wakeP50Ms",
    "wakeP99Ms",
    "seconds",
  ]);
});

test("latencies are in milliseconds and the time in seconds, to two digits", () => {
  const { claimP50Ms, claimP99Ms, wakeP50Ms, wakeP99Ms, seconds } = report();
  expect(claimP50Ms).toBeCloseTo(50, 0);
  expect(claimP99Ms).toBeCloseTo(99, 0);
  expect((wakeP50Ms ?? 0) / 100).toBeCloseTo(1, 1);
  expect((wakeP99Ms ?? 0) / 100).toBeCloseTo(1.98, 1);
  expect(seconds).toBe(1.23);
});

test("where nobody waited, the report says so and the table has dashes", () => {
  const found = report(audit, false);
  expect([found.wakeP50Ms, found.wakeP99Ms]).toEqual([null, null]);
  expect(formatTable(found)).toMatch(/^wake p50 +– {2}.*\nwake p99 +–$/m);
});

test("the table has a line for every member", () => {
  expect(formatTable(report()).split("\n")).toHaveLength(Object.keys(report()).length);
});

test("a failed run names the events for which once does not hold, and bounds the list", () => {
  const lost = Array.from({ length: 23 }, (_, index) => `evt_${index}`);
  const text = formatVerdict(false, { executions: 3, duplicates: ["evt_d"], lost });
  expect(text).toContain('charged more than once: 1\n  "evt_d"');
  expect(text).toContain("lost: 23");
  expect(text).toContain("and 3 more");
  expect(text).not.toContain("evt_20");
});

test("a clean run says so", () => {
  expect(formatVerdict(true, audit)).toBe("Every event was charged once.");
});
