import { expect, test } from "vitest";
import { ratiosToPeers } from "../../../bench/ratios.ts";
import type { Section } from "../../../bench/report.ts";

const section = (id: string, medians: Readonly<Record<string, number>>): Section => ({
  id,
  title: id,
  how: "",
  figures: Object.entries(medians).map(([figure, median]) => ({
    ...{ id: figure, what: figure, unit: "calls/s" },
    spread: { min: median / 2, median, max: median * 2 },
  })),
});

const PAIRS = section("pairs", { "unary-64-rate": 4_000, "unary-256-rate": 5_000, "session-64-rate": 12_000 });
const REPLAY = section("replay", { "unary-rate": 9_000, "session-rate": 30_000 });
const PEERS = section("peers", {
  "restate-unique-64-rate": 800,
  "restate-unique-256-rate": 1_000,
  "dbos-unique-64-rate": 700,
  "restate-replay-64-rate": 6_000,
  "restate-replay-256-rate": 3_000,
  "redis-write-64-rate": 24_000,
});

const mediansOf = (sections: readonly Section[]) =>
  sections.flatMap(({ figures }) => figures.map(({ id, spread }) => [id, spread.median]));

test("each side counts with its best, at 64 or at 256", () => {
  expect(mediansOf(ratiosToPeers([PAIRS, REPLAY, PEERS]))).toEqual([
    ["unary-to-engines", 5],
    ["session-to-engines", 12],
    ["session-to-redis", 0.5],
    ["replay-to-restate", 1.5],
  ]);
});

test("the spread goes from our worst with their best to the reverse", () => {
  const [made] = ratiosToPeers([PAIRS, PEERS]);
  expect(made?.figures[0]).toMatchObject({ spread: { min: 1.25, median: 5, max: 20 }, target: { atLeast: 4 } });
});

test("what was not measured has no ratio and no bar", () => {
  expect(ratiosToPeers([PAIRS, REPLAY])).toEqual([]);
  expect(ratiosToPeers([PEERS])).toEqual([]);
  const onlyDbos = section("peers", { "dbos-unique-64-rate": 500 });
  const [made] = ratiosToPeers([PAIRS, REPLAY, onlyDbos]);
  expect(mediansOf(ratiosToPeers([PAIRS, REPLAY, onlyDbos]))).toEqual([
    ["unary-to-engines", 10],
    ["session-to-engines", 24],
  ]);
  expect(made?.charts?.map(({ x }) => x.values)).toEqual([
    ["Holdfast, unary", "Holdfast, session", "DBOS"],
    ["Holdfast, unary", "Holdfast, session"],
  ]);
});
