import { expect, test } from "vitest";
import { chartSvg } from "../../../bench/chart.ts";
import { createAxis, place } from "../../../bench/chart-axis.ts";
import type { Chart } from "../../../bench/report.ts";

const PLOT = { top: 0, bottom: 100 };
const LINES: Chart = {
  id: "lines",
  title: "Lines",
  kind: "lines",
  unit: "ms",
  x: { label: "callers", values: [1, 16, 256] },
  series: [
    { name: "one", values: [1, 2, 4] },
    { name: "other", values: [3, null, 8] },
  ],
};
const BARS: Chart = {
  id: "bars",
  title: "Bars",
  kind: "bars",
  unit: "calls/s",
  x: { label: "", values: ["a", "b"] },
  series: [{ name: "rate", values: [500, 1_500] }],
};
const count = (svg: string, what: RegExp) => [...svg.matchAll(what)].length;

test.each([
  [[0, 14_000], true, [0, 5_000, 10_000, 15_000]],
  [[3, 9], true, [0, 2, 4, 6, 8, 10]],
  [[0.1, 0.77], true, [0, 0.2, 0.4, 0.6, 0.8]],
  // Lines that are all far from zero use the height for what differs.
  [[90, 100], false, [90, 92, 94, 96, 98, 100]],
  [[90, 100], true, [0, 20, 40, 60, 80, 100]],
  [[-5, 12], true, [-5, 0, 5, 10, 15]],
  [[], true, [0, 1]],
  [[7, 7], false, [6, 8]],
])("around %j, bars: %s, the axis has the ticks %j", (values, fromZero, ticks) => {
  const axis = createAxis(values, false, fromZero, PLOT);
  expect(axis.ticks).toEqual(ticks);
  expect([axis.at(ticks[0] ?? 0), axis.at(ticks.at(-1) ?? 0)]).toEqual([100, 0]);
});

test.each([
  [[661, 26_700], true, [100, 1_000, 10_000, 100_000]],
  [[2, 8], true, [1, 2, 5, 10]],
  // A bar of the lowest value is still to be seen.
  [[10, 50], true, [1, 2, 5, 10, 20, 50, 100]],
  [[10, 50], false, [10, 20, 50, 100]],
  [[0, 30], true, [10, 20, 50, 100]],
  [[], true, [1, 10]],
])("around %j, bars: %s, a logarithmic axis has the ticks %j", (values, fromZero, ticks) => {
  const axis = createAxis(values, true, fromZero, PLOT);
  expect(axis.ticks).toEqual(ticks);
  expect([axis.at(ticks[0] ?? 1), axis.at(ticks.at(-1) ?? 1)]).toEqual([100, 0]);
});

test("numbers that grow by factors are as far apart as their factors, others as their differences", () => {
  const places = (numbers: readonly number[]) => numbers.map((_, i) => place(numbers, i, 0, 100));
  expect(places([1, 10, 100])).toEqual([0, 50, 100]);
  expect(places([0, 10, 100])).toEqual([0, 10, 100]);
  expect(places([5])).toEqual([0]);
});

test("a line is broken where nothing was measured, and what was is a point", () => {
  const svg = chartSvg(LINES);
  const paths = [...svg.matchAll(/ d="([^"]*)"/g)].map(([, path = ""]) => path.replaceAll(/[\d .]+/g, ""));
  expect(paths).toEqual(["MLL", "MM"]);
  expect(count(svg, /<circle/g)).toBe(5);
});

test("a logarithm leaves out what is not above zero", () => {
  const series = [{ name: "one", values: [0, -1, 4] }];
  expect(count(chartSvg({ ...LINES, series, logarithmic: true }), /<circle/g)).toBe(1);
});

test("bars have their figures above them while there are few, and a legend from the second series on", () => {
  const svg = chartSvg(BARS);
  expect(svg).toContain(">1,500</text>");
  expect(svg).not.toContain(">rate</text>");
  const x = { label: "", values: Array.from({ length: 30 }, (_, i) => `${i}`) };
  const many = { ...BARS, x, series: [{ name: "rate", values: x.values.map(() => 123) }] };
  expect(chartSvg(many)).not.toContain(">123</text>");
  expect(chartSvg({ ...BARS, series: [...BARS.series, { name: "p99", values: [1, 2] }] })).toContain(">p99</text>");
});

test("labels that have no room for each other are left out, never printed over each other", () => {
  const values = Array.from({ length: 400 }, (_, i) => 1_000 + i);
  const svg = chartSvg({ ...LINES, x: { label: "s", values }, series: [{ name: "one", values }] });
  const labels = [...svg.matchAll(/<text x="([\d.]+)" y="[\d.]+" text-anchor="middle">/g)].map(([, x]) => Number(x));
  const gaps = labels.slice(1).map((x, i) => x - (labels[i] ?? 0));
  expect(labels.length).toBeGreaterThan(5);
  expect(Math.min(...gaps)).toBeGreaterThan(30);
});

test("a picture stands alone, is read in light and in dark, and is the same each time", () => {
  const svg = chartSvg(LINES);
  expect(svg).toMatch(/^<svg xmlns="http:\/\/www\.w3\.org\/2000\/svg" viewBox=/);
  expect(svg).toContain("@media(prefers-color-scheme:dark)");
  expect(svg).not.toMatch(/<script|href=|@import|url\(|NaN|undefined|Infinity/);
  expect(chartSvg(structuredClone(LINES))).toBe(svg);
});

test("names are text in a picture", () => {
  const svg = chartSvg({ ...BARS, title: 'a "b" <c> & d', x: { label: "<x>", values: ["<1>", "&"] } });
  expect(svg).toContain('aria-label="a &quot;b&quot; &lt;c&gt; &amp; d"');
  for (const text of ["&lt;x&gt;", "&lt;1&gt;", "&amp;"]) expect(svg).toContain(`>${text}</text>`);
});

test("a chart without a figure is a picture without a mark", () => {
  const svg = chartSvg({ ...BARS, x: { label: "", values: [] }, series: [] });
  expect(svg).not.toMatch(/NaN|undefined|Infinity/);
});
