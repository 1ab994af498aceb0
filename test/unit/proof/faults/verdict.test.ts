import { expect, test } from "vitest";
import { doubtOf, type Found, findFaults, isHeld, toldFigures } from "../../../../proof/faults/verdict.ts";
import type { HistoryReport } from "../../../../proof/history/check.ts";

const validator = (id: "V1" | "V5", judged: number, violations = 0, judgedWithin = judged) => ({
  ...{ id, judged, judgedWithin, violations, promise: "fences rise" },
  examples: violations === 0 ? [] : [{ key: "default / scope / key", why: "two leases", places: ["file:1"] }],
});

function historyOf(
  validators: readonly ReturnType<typeof validator>[],
  verdict: "OK" | "VIOLATION" = "OK",
  movedUs = 0,
): HistoryReport {
  const key = { tenant: "default", scope: "scope", key: "key", calls: 3 };
  const unknown = { calls: 9, unknown: 1, byCode: {}, resolved: {}, neverRepeated: 0 };
  return {
    verdict: "OK",
    validated: { keys: 1, validators, unknown, clocksMovedUs: movedUs } as HistoryReport["validated"],
    linearizability: {
      kind: "checked",
      report: {
        ...{ verdict, porcupine: "v1", keys: 1, calls: 9, unknown: 1, unknown_share: 0.1, ms: 1, clocks_moved_us: 0 },
        ...{ violations: verdict === "OK" ? [] : [key], undecided: [] },
      },
    },
  };
}

const honest: Found = {
  history: historyOf([validator("V1", 3), validator("V5", 1)]),
  ...{ figures: [], stuck: null, brokeOff: null, internal: 0, mishaps: [], resent: 0, unjudged: [] },
};

test("a row in which nothing is wrong holds", () => {
  expect(findFaults(honest)).toEqual([]);
});

test.each<[string, Partial<Found>, string]>([
  [
    "a violated promise",
    { history: historyOf([validator("V1", 3, 2)]) },
    'V1: 2 of 3 violate "fences rise", first default / scope / key: two leases',
  ],
  [
    "a promise of which nothing was judged",
    { history: historyOf([validator("V5", 0)]) },
    "V5: nothing was there to be judged",
  ],
  [
    "a promise of which nothing was judged while the fault was there",
    { history: historyOf([validator("V1", 3, 0, 0)]) },
    "V1: nothing was there to be judged",
  ],
  [
    "a clock that moved by itself",
    { history: historyOf([], "OK", 1_001) },
    "the clocks moved against each other by 1001 us, and no mark says so",
  ],
  [
    "a key without an order",
    { history: historyOf([], "VIOLATION") },
    "porcupine: VIOLATION, 1 keys violated, 0 undecided, first default / scope / key",
  ],
  [
    "a figure above its bound",
    { figures: [{ name: "lost", value: 1, unit: "", must: { atMost: 0 } }] },
    "figure: lost 1, and must be at most 0",
  ],
  [
    "a figure below its bound",
    { figures: [{ name: "kills", value: 2, unit: "", must: { atLeast: 3 } }] },
    "figure: kills 2, and must be at least 3",
  ],
  [
    "a figure that was not measured",
    { figures: [{ name: "p99", value: Number.NaN, unit: "ms", must: { atMost: 9 } }] },
    "figure: p99 NaN ms, and must be at most 9 ms",
  ],
  ["a call that does not end", { stuck: "1 calls are still open" }, "1 calls are still open"],
  ["a row that broke off", { brokeOff: "Error: no" }, "it broke off: Error: no"],
  ["an INTERNAL answer", { internal: 2 }, "2 calls were answered INTERNAL"],
  ["a mishap", { mishaps: ["s1: bug: two"] }, "mishap: s1: bug: two"],
])("%s fails it, in words", (_, change, fault) => {
  expect(findFaults({ ...honest, ...change })).toEqual([fault]);
});

test("what a row has nothing to judge by, or tells only, does not fail it", () => {
  const history = historyOf([validator("V1", 3, 2), validator("V5", 0)], "VIOLATION");
  expect(findFaults({ ...honest, history, unjudged: ["V5"], told: ["V1", "porcupine"] })).toEqual([]);
});

test("a figure without a bound is told and not judged", () => {
  expect(isHeld({ name: "p99", value: 1e9, unit: "ms" })).toBe(true);
});

test("what a row's fault breaks by design is told, and not judged", () => {
  const history = historyOf([validator("V1", 3, 2), validator("V5", 1)], "VIOLATION");
  const told = ["porcupine", "V1"] as const;
  expect(findFaults({ ...honest, history, told })).toEqual([]);
  expect(toldFigures(history, told)).toEqual([
    { name: "keys that porcupine finds violated", value: 1, unit: "" },
    { name: "violations of V1", value: 2, unit: "" },
  ]);
  expect(findFaults({ ...honest, history, told: ["porcupine"] })).toHaveLength(1);
});

test("clocks that are apart by what rounding and a call's length make are no fault", () => {
  expect(findFaults({ ...honest, history: historyOf([validator("V1", 3)], "OK", 1_000) })).toEqual([]);
});

test("porcupine's finding is in doubt where servers sent calls again by themselves, and nothing else is", () => {
  const found: Found = { ...honest, history: historyOf([validator("V1", 3)], "VIOLATION"), resent: 2 };
  const faults = findFaults(found);
  expect(doubtOf(found, faults)).toMatch(
    /^servers lost connections by themselves and sent 2 batches again, .*: porcupine: VIOL/,
  );
  expect(doubtOf({ ...found, resent: 0 }, faults)).toBeNull();
  expect(doubtOf(found, [])).toBeNull();
  expect(doubtOf(found, [...faults, "V1: 1 of 3 violate"])).toBeNull();
});
