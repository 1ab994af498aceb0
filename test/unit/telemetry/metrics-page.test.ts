import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { CATALOG } from "../../../src/telemetry/catalog.ts";
import { metricsPage } from "../../../src/telemetry/metrics-page.ts";
import { PROCESS_METRICS } from "../../../src/telemetry/process-metrics.ts";

const ALL = CATALOG.flatMap(({ metrics }) => metrics);
const OURS = ALL.filter((metric) => !PROCESS_METRICS.includes(metric));

test("docs/metrics.md is what `npm run generate` would write", () => {
  const page = readFileSync(new URL("../../../docs/metrics.md", import.meta.url), "utf8");
  expect(page).toBe(metricsPage());
});

describe("a metric of ours", () => {
  test("has a name that no other has, and that begins with who it is of", () => {
    const names = ALL.map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
    expect(OURS.map(({ name }) => name).filter((name) => !/^(holdfast|grpc_server)_[a-z_]+$/.test(name))).toEqual([]);
  });

  test("says what it is, in which unit, and what to do with it", () => {
    for (const { name, help, advice, unit } of OURS) {
      expect(help, name).toMatch(/^[A-Z1].*\.$/);
      expect(advice, name).toMatch(/\.$/);
      expect(unit, name).not.toBe("");
    }
  });

  test("ends in _total if it is a counter, and only then", () => {
    for (const { name, kind } of OURS) expect(name.endsWith("_total"), name).toBe(kind === "counter");
  });

  test("is in seconds if it measures time", () => {
    for (const { name, unit } of OURS) expect(unit.startsWith("seconds"), name).toBe(name.includes("_seconds"));
  });

  test("has no label that names a tenant, a scope or a key", () => {
    const labels = new Set(OURS.flatMap(({ labels }) => Object.keys(labels)));
    expect([...labels].filter((label) => /tenant|scope|key|owner/.test(label))).toEqual([]);
  });
});
