import { expect, test } from "vitest";
import { racesEntry, racesPage } from "../../../../proof/races/page.ts";
import type { RaceReport, Report } from "../../../../proof/races/report.ts";

const HELD: RaceReport = {
  ...{ name: "one-other", what: "Whoever wins, one has it.", seed: 7, trials: 12_345, seconds: 1.25, violations: 0 },
  orders: [{ name: "one comes first", by: "chance", count: 12_000, share: 0.975, least: 1_231, isEnough: true }],
  ...{ examples: [], spoilt: [], figures: { "spread in ms": 12.5 }, verdict: "held" },
  controls: [{ name: "M1", what: "does not look", trials: 3, killedBy: "both | had it" }],
};
const LOST: RaceReport = {
  ...{ ...HELD, name: "lost", verdict: "violated", violations: 2, examples: ["key-1: *both* had it"] },
  ...{ spoilt: ["nobody came"], controls: [{ name: "M2", what: "looks away", trials: 900, killedBy: null }] },
};
const report = (...races: readonly RaceReport[]): Report => ({
  ...{ kind: "races", startTime: "2026-01-02T03:04:05.000Z", commit: "0123456", node: "24.21.0", postgres: "18.4" },
  ...{ size: "full", seed: 7, races },
});

test("the page has what was found, each order, figure and control, and what must hold", () => {
  const page = racesPage(report(HELD));
  expect(page).toContain("1 of 1 races held, with 0 violations in 12,345 trials; 1 of 1 controls found out.");
  expect(page).toContain("| `one-other` | one comes first | 12 000 | 97.5 % |");
  expect(page).toContain("| `one-other` | Whoever wins, one has it. |");
  expect(page).toContain("| `one-other` | spread in ms | 12.5 |");
  expect(page).toContain("| `one-other` | M1 | does not look | 3 | both \\| had it |");
  expect(racesPage(structuredClone(report(HELD)))).toBe(page);
});

test("a violation, what was no race, and a control that lives stand out", () => {
  const page = racesPage(report(HELD, LOST));
  expect(page).toContain("1 of 2 races held, with 2 violations in 24,690 trials; 1 of 2 controls found out.");
  expect(page).toContain("**lost**: not exercised: nobody came\n\n**lost**: key-1: \\*both\\* had it\n");
  expect(page).toContain("| `lost` | M2 | looks away | 900 | **LIVES** |");
});

test("without controls the page says that none was run", () => {
  const found = racesEntry(report({ ...HELD, controls: [] })).found;
  expect(found).toBe("1 of 1 races held, with 0 violations in 12,345 trials; no control was run.");
  expect(racesPage(report({ ...HELD, controls: [] }))).toContain("None was run.");
});
