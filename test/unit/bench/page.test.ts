import { existsSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { benchmarksPages } from "../../../bench/page.ts";
import type { Report } from "../../../bench/report.ts";
import { joinRuns } from "../../../bench/runs.ts";
import { missedOf } from "../../../bench/table.ts";
import { benchmarksFiles, strayPictures } from "../../../scripts/benchmarks-page.ts";
import { SAMPLE } from "./sample-report.ts";

const pageOf = (report: Report, limits = "") => benchmarksPages([report], limits).get("benchmarks.md") ?? "";

test("the same report makes the same pages, a page and a picture for each chart", () => {
  const pages = benchmarksPages([SAMPLE], "");
  expect([...pages.keys()].toSorted()).toEqual([
    "benchmarks.md",
    "benchmarks/both.svg",
    "benchmarks/pairs-rate.svg",
    "benchmarks/queue-wait.svg",
  ]);
  expect(benchmarksPages([structuredClone(SAMPLE)], "")).toEqual(pages);
  const page = pageOf(SAMPLE);
  for (const path of pages.keys()) if (path.endsWith(".svg")) expect(page).toContain(`](${path})`);
});

test("the page has the facts of the run and of the machine", () => {
  const page = pageOf(SAMPLE);
  expect(page).toContain("| Started | 2026-11-22 03:04 UTC, 4.8 minutes, 5 rounds |");
  for (const fact of ["Imaginary 9000", "linux x64", "6.1.0", "v24.12.0", "18.4", "0123456 with changes"]) {
    expect(page).toContain(`| ${fact} |`);
  }
  expect(page).toContain("| Load average at first | 0.10, 0.20, 0.30 |");
  expect(page).toContain("| Load average at last | 2.10, 1.20, 0.50 |");
  expect(page).toContain("| fdatasync, ms | 0.25 |");
  expect(page).toContain("| Its settings | fsync on, synchronous\\_commit on |");
  expect(page).not.toContain("--full`");
  expect(pageOf({ ...SAMPLE, full: true })).toContain("5 rounds, `--full` |");
  expect(pageOf({ ...SAMPLE, leftOut: ["memory", "peers"] })).toContain("left of five minutes: memory, peers.");
});

test("every target is told with its verdict, and a missed one stands out", () => {
  const page = pageOf(SAMPLE);
  expect(page).toContain("Targets that are met: 2 of 3.");
  expect(page).toContain("| [Replay & echo](#replay--echo) | unary replay ÷ echo | 0.77 × | ≥ 0.8 | **MISSED** |");
  expect(page).toContain("| unary replay ÷ echo | 0.693 | 0.77 | 0.924 | × | ≥ 0.8 | **MISSED** |");
  expect(page).toContain("| p99 ÷ p50 | 2.88 | 3.2 | 3.84 | × | ≤ 5 | met |");
  const met = { ...SAMPLE, sections: SAMPLE.sections.filter(({ id }) => id === "latency") };
  expect(pageOf(met)).toContain("Targets that are met: 1 of 1.");
  expect(pageOf({ ...SAMPLE, sections: [] })).toContain("Nothing was measured that has a target.");
});

test("an arm that failed is named with the reason", () => {
  const failed = [{ id: "wake-up", why: "a waiter\nwas answered *nothing*" }];
  expect(pageOf({ ...SAMPLE, failed })).toContain("**Failed: wake-up**: a waiter was answered \\*nothing\\*\n");
});

test("a target without a figure is told, and counts as one that is not met", () => {
  const unmeasured = [
    { id: "memory/claims", what: "10 000 claims", target: { atMost: 450 }, why: "memory failed", isMissing: true },
  ];
  const page = pageOf({ ...SAMPLE, unmeasured });
  expect(page).toContain("Targets that are met: 2 of 4, 1 not measured.");
  expect(page).toContain("| memory | 10 000 claims | – | ≤ 450 | **NOT MEASURED**: memory failed |");
  expect(pageOf({ ...SAMPLE, sections: [], unmeasured })).toContain("Targets that are met: 0 of 1, 1 not measured.");
});

test("a figure without a value is not one that was missed", () => {
  const nothing = { min: Number.NaN, median: Number.NaN, max: Number.NaN };
  const figure = { id: "memory", what: "memory", unit: "MiB", spread: nothing, target: { atMost: 150 } };
  const sections = [{ id: "idle", title: "Idle", how: "", figures: [figure] }];
  const read = JSON.parse(JSON.stringify({ ...SAMPLE, sections })) as Report;
  for (const report of [{ ...SAMPLE, sections }, read]) {
    expect(pageOf(report)).toContain("| memory | – | – | – | MiB | ≤ 150 | **NOT MEASURED** |");
  }
  expect(missedOf(sections)).toEqual([]);
});

test("a section without targets has no columns for them", () => {
  expect(pageOf(SAMPLE)).toContain("| unary calls, 64 callers | 3,889 | 4,321 | 5,185 | pairs/s |\n");
});

describe("several runs", () => {
  const latency = SAMPLE.sections.filter(({ id }) => id === "latency");
  const old: Report = { ...SAMPLE, startedAt: "2026-11-21T01:00:00.000Z" };
  const long: Report = { ...SAMPLE, startedAt: "2026-11-20T01:00:00.000Z", full: true, sections: latency };

  test("each has its column, and a section says of which run it is", () => {
    const page = benchmarksPages([SAMPLE, long], "").get("benchmarks.md") ?? "";
    expect(page).toContain("|  | Run 1 | Run 2 |");
    expect(page).toContain("| Started | 2026-11-20 01:00 UTC, 4.8 minutes, 5 rounds, `--full` | 2026-11-22 03:04 UTC,");
    expect(page).toContain("## Latency at half of capacity\n\nRun 1.\n\nAn open loop.");
    expect(page).toContain("## Replay & echo\n\nRun 2.\n\nClaims of keys that have ended.");
    expect(page).toContain("Targets that are met: 2 of 3.");
  });

  test("a newer one replaces an older one, which is told no more", () => {
    expect(benchmarksPages([SAMPLE, old], "")).toEqual(benchmarksPages([SAMPLE], ""));
    expect(benchmarksPages([old, SAMPLE], "")).toEqual(benchmarksPages([SAMPLE], ""));
  });

  test("what one has not measured is told only if no other has", () => {
    const target = { atMost: 5 };
    const missing = { what: "p99", target, why: "only with --full", isMissing: false };
    const unmeasured = ["latency/p99-to-p50", "steady/rss-rise"].map((id) => ({ ...missing, id }));
    const short = { ...SAMPLE, sections: SAMPLE.sections.filter(({ id }) => id !== "latency"), unmeasured };
    expect(joinRuns([short, long]).unmeasured.map(({ id }) => id)).toEqual(["steady/rss-rise"]);
    expect(joinRuns([short]).unmeasured).toEqual(unmeasured);
  });
});

test("what people wrote about limits is there as it is, and no heading without it", () => {
  expect(pageOf(SAMPLE, "The *disk*, by [its profile](x.svg).\n")).toContain(
    "## What stops a figure\n\nThe *disk*, by [its profile](x.svg).\n\n## Fresh claim",
  );
  expect(pageOf(SAMPLE, " \n")).not.toContain("## What stops a figure");
});

test("names are taken for text, in tables and in pictures", () => {
  const page = pageOf(SAMPLE);
  expect(page).toContain("| session ÷ unary \\| calls | 2.61 |");
  expect(page).toContain("![Queue wait &lt;of batches> & claims](benchmarks/queue-wait.svg)");
  const picture = benchmarksPages([SAMPLE], "").get("benchmarks/queue-wait.svg");
  expect(picture).toContain(">Queue wait &lt;of batches&gt; &amp; claims</text>");
  expect(picture).not.toContain("<of batches>");
});

test("two charts of one name are refused", () => {
  const again = SAMPLE.sections.map((section) => ({ ...section, id: `${section.id}-again` }));
  const twice = { ...SAMPLE, sections: [...SAMPLE.sections, ...again] };
  expect(() => benchmarksPages([twice], "")).toThrow("two charts are called pairs-rate");
});

test("the pages in docs/ are what the report there makes, and there are no others", () => {
  const files = benchmarksFiles();
  const docs = new URL("../../../docs/", import.meta.url);
  for (const [path, content] of files) expect(readFileSync(new URL(path, docs), "utf8")).toBe(content);
  expect(existsSync(new URL("benchmarks.md", docs))).toBe(files.has("benchmarks.md"));
  expect(strayPictures(files)).toEqual([]);
});
