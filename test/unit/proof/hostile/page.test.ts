import { expect, test } from "vitest";
import type { PartReport } from "../../../../proof/hostile/measure.ts";
import { hostilePage } from "../../../../proof/hostile/page.ts";
import type { HostileReport } from "../../../../proof/hostile/run.ts";

const HELD: PartReport = {
  ...{ name: "gzip-bombs", what: "small messages that unpack to 8 MiB", seed: 1, runs: 1_234, seconds: 10.2 },
  ...{ outcomes: { connections: 1_200, goAways: 0 }, warnings: { slow: 2 }, findings: [], broken: [] },
  honest: {
    ...{ calls: 400, failed: 2, p99Ms: 154.6, failures: [] },
    served: { gRPC: 200, "Connect JSON": 100, Session: 98 },
    success: { gRPC: 1, "Connect JSON": 1, Session: 0.98 },
  },
  ...{
    rss: { start: 117.18, before: 142.2, peak: 153.98, after: 143.4, mostAfter: 217.18 },
    heap: { before: 42, after: 42 },
  },
  faults: { exit: null, bugs: [], errors: [] },
};
const report = (...parts: readonly PartReport[]): HostileReport => ({
  ...{ seed: 1, date: "2026-01-02T03:04:05.000Z", commit: "0123456", node: "v24.21.0" },
  ...{ rss: { start: 117.18, end: 144.1 }, parts },
});

test("the page has a line for each part, and what the server did", () => {
  const page = hostilePage(report(HELD));
  expect(page).toContain("2026-01-02, commit 0123456, Node 24.21.0, seed 1. 1 of 1 parts kept every bound;");
  expect(page).toContain("2 of 400 honest calls failed. The server had 117.2 MiB before all of it, and 144.1 after.");
  expect(page).toContain("| 1,234 | 10 | 400 | 99.5 % | 154.6 | 142.2 | 154 | 143.4 | 217.2 | held |");
  expect(page).toContain("| `gzip-bombs` | connections 1,200, goAways 0, warned: slow 2 |");
  expect(hostilePage(structuredClone(report(HELD)))).toBe(page);
});

test("what broke a bound stands out, with how to run it again", () => {
  const findings = [{ what: "no answer", input: null, again: "--only gzip-bombs --from 3 --runs 1" }];
  const page = hostilePage(report({ ...HELD, broken: ["the server has ended: 1", "no answer"], findings }));
  expect(page).toContain("| **BROKEN** |");
  expect(page).toContain("**gzip-bombs**: the server has ended: 1\n");
  expect(page.match(/\*\*gzip-bombs\*\*: no answer.*/g)).toEqual([
    "**gzip-bombs**: no answer; again: `--only gzip-bombs --from 3 --runs 1`",
  ]);
});

test("the memory of a server that has ended is shown as none", () => {
  const ended = JSON.parse(JSON.stringify({ ...report(HELD), rss: { start: 117, end: Number.NaN } })) as HostileReport;
  expect(hostilePage(ended)).toContain("117 MiB before all of it, and – after.");
});
