import { expect, test } from "vitest";
import { exitCodeOf, type RaceReport, type Report, racesTable, raceText } from "../../../../proof/races/report.ts";

const RACE: RaceReport = {
  ...{ name: "one-other", what: "One races another.", seed: 7, trials: 12_345, seconds: 1.25, violations: 0 },
  orders: [
    { name: "one comes first", by: "chance", count: 12_000, share: 0.975, least: 1_231, isEnough: true },
    { name: "the other comes first", by: "chance", count: 305, share: 0.0248, least: 1_231, isEnough: false },
    { name: "they meet", by: "force", count: 40, share: null, least: 40, isEnough: true },
  ],
  ...{ examples: [], spoilt: [], figures: { "spread in ms": 12.5 }, verdict: "not exercised" },
  controls: [
    { name: "M1", what: "does not look", trials: 3, killedBy: "both had it" },
    { name: "M2", what: "looks away", trials: 900, killedBy: null },
  ],
};

const report = (change: Partial<RaceReport>): Report => ({
  ...{
    kind: "races",
    startTime: "2026-01-02T03:04:05.000Z",
    commit: "0123456",
    node: "24.21.0",
    postgres: "18.4",
    size: "full",
    seed: 7,
  },
  races: [{ ...RACE, ...change }],
});

test("only races that held, and found out all their controls, end with 0", () => {
  const controls = RACE.controls.slice(0, 1);
  expect(exitCodeOf(report({ verdict: "held", controls }))).toBe(0);
  expect(exitCodeOf(report({ verdict: "held" }))).toBe(1);
  expect(exitCodeOf(report({ verdict: "violated", controls }))).toBe(1);
  expect(exitCodeOf(report({ verdict: "not exercised", controls }))).toBe(1);
});

test("a race tells its orders, and which of them came about too rarely", () => {
  const text = raceText({ ...RACE, examples: ["key-1: both had it"], spoilt: ["nobody came"] });
  expect(text).toContain("one-other  seed 7, 12 345 trials in 1.3 s, violations 0: NOT EXERCISED");
  expect(text).toContain("12 000  97.5 %  one comes first\n");
  expect(text).toContain("305   2.5 %  the other comes first  TOO FEW: at least 1 231");
  expect(text).toContain("40  forced  they meet\n");
  expect(text).toContain("12.5         spread in ms");
  expect(text).toContain("VIOLATION: key-1: both had it");
  expect(text).toContain("NOT EXERCISED: nobody came");
});

test("the page has a line for each race and each order, and says which controls live", () => {
  const page = racesTable(report({}));
  expect(page).toContain("2026-01-02, full, seed 7, Node 24.21.0, PostgreSQL 18.4.");
  expect(page).toContain("| `one-other` | 12 345 | 0 | not exercised | M1, M2 LIVES |");
  expect(page).toContain("| `one-other` | one comes first | 12 000 | 97.5 % |");
  expect(page).toContain("| `one-other` | they meet | 40 | forced |");
});
