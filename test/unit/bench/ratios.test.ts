import { expect, test } from "vitest";
import { chartsOfPeers, type Rates, ratiosToPeers } from "../../../bench/ratios.ts";

const OURS: Rates = {
  "unary-64": [4_000, 4_000, 4_000],
  "unary-256": [5_000, 6_000, 4_000],
  "session-64": [12_000, 12_000, 12_000],
  "unary-replay-64": [9_000, 9_000, 9_000],
};
const RESTATE: Rates = {
  "restate-unique-64": [800, 800, 800],
  "restate-unique-256": [1_000, 1_000, 2_000],
  "restate-replay-64": [6_000, 6_000, 6_000],
  "restate-replay-256": [3_000, 3_000, 3_000],
};
const DBOS: Rates = { "dbos-unique-64": [500, 500, 500], "dbos-unique-256": [400, 600, 600] };
const REDIS: Rates = { "redis-write-64": [24_000, 24_000, 24_000] };

const told = (rates: Rates) => ratiosToPeers(rates).map(({ id, spread, target }) => [id, spread.median, target]);

test("each side counts with its best, at 64 or at 256", () => {
  expect(told({ ...OURS, ...RESTATE, ...DBOS, ...REDIS })).toEqual([
    ["unary-to-engines", 5, { atLeast: 4 }],
    ["session-to-engines", 12, { atLeast: 10 }],
    ["session-to-redis", 0.5, { atLeast: 0.5 }],
    ["replay-to-restate", 1.5, { atLeast: 1.2 }],
  ]);
});

test("a ratio is taken round by round", () => {
  const [first] = ratiosToPeers({ ...OURS, ...RESTATE, ...DBOS });
  expect(first?.spread).toEqual({ min: 2, median: 5, max: 6 });
});

test("with one of the engines the ratio is called that, and held to nothing", () => {
  expect(told({ ...OURS, ...DBOS })).toEqual([
    ["unary-to-engines-alone", 10, undefined],
    ["session-to-engines-alone", 20, undefined],
  ]);
  expect(ratiosToPeers({ ...OURS, ...DBOS })[0]?.what).toBe("unary pairs ÷ DBOS alone");
  expect(ratiosToPeers({ ...OURS, ...RESTATE })[0]?.what).toBe("unary pairs ÷ Restate alone");
});

test("what was not measured has no ratio and no bar", () => {
  expect(ratiosToPeers(OURS)).toEqual([]);
  expect(ratiosToPeers({ ...RESTATE, ...DBOS })).toEqual([]);
  expect(ratiosToPeers({ ...OURS, "restate-unique-64": [], "dbos-unique-64": [] })).toEqual([]);
  expect(chartsOfPeers({ ...OURS, ...DBOS }).map(({ x }) => x.values)).toEqual([
    ["Holdfast, unary", "Holdfast, session", "DBOS"],
    ["Holdfast, unary"],
  ]);
});
