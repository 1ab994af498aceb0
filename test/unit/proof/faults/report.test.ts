import { existsSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { faultsPage } from "../../../../proof/faults/page.ts";
import { exitCodeOf, lineOf } from "../../../../proof/faults/report.ts";
import { proofFiles } from "../../../../scripts/proof-page.ts";
import { BROKEN, HOLDS, LEFT_OUT, REPORT, VIOLATED } from "./outcomes.ts";

describe("the line of a row", () => {
  test("has its id, seed, calls, unknown ones, keys, figures and verdict", () => {
    expect(lineOf({ ...HOLDS, control: null })).toBe(
      "F01  seed 7, 3676 calls, 12.50 % unknown, 105 keys, porcupine 361 ms, kills 4, served again after 623.6 ms, " +
        "failed on the others 29 calls, HOLDS\n",
    );
  });

  test("is followed by what is wrong, by where the histories are, and by its control", () => {
    expect(lineOf(VIOLATED).split("\n").slice(0, 4)).toEqual([
      "F05  seed 7, 3676 calls, 12.50 % unknown, 105 keys, porcupine did not run, crashes 1, VIOLATED",
      "      V7: 2 of 16 violate",
      "      figure: crashes 1, and must be at least 3",
      "      its histories are in /kept/F05-1",
    ]);
    expect(lineOf(HOLDS)).toContain("control: mutant M14: fails, as it must: V7: 3 of 84 violate");
  });

  test("says why it was left out, or could not run", () => {
    expect(lineOf(LEFT_OUT)).toBe("F23  seed 7  LEFT OUT: pgbouncer is not installed\n");
    expect(lineOf(BROKEN)).toContain("F24  seed 7  COULD NOT RUN: Error: no port");
  });
});

const withControl = (kind: "holds" | "broken" | "left-out") => ({
  ...HOLDS,
  control: { kind, what: "mutant M14", why: "nothing was found" },
});

test.each([
  ["rows that hold, and one that is left out", [HOLDS, LEFT_OUT], 0],
  ["a row that is violated", [HOLDS, VIOLATED, BROKEN], 1],
  ["a control that holds", [withControl("holds")], 1],
  ["a row that could not run", [HOLDS, BROKEN], 2],
  ["a control that could not run", [withControl("broken")], 2],
  ["a control that is left out", [withControl("left-out")], 0],
] as const)("%s: the exit code says so", (_, rows, code) => {
  expect(exitCodeOf({ rows, full: false })).toBe(code);
});

test("the full form is no proof where porcupine did not run", () => {
  const rows = [{ ...HOLDS, porcupine: null }];
  expect(exitCodeOf({ rows, full: true })).toBe(2);
  expect(exitCodeOf({ rows, full: false })).toBe(0);
  expect(exitCodeOf({ rows: [HOLDS], full: true })).toBe(0);
});

describe("the page", () => {
  const page = faultsPage([REPORT]);

  test("is the same for the same reports", () => {
    expect(faultsPage([structuredClone(REPORT)])).toBe(page);
  });

  test("has the facts of the run", () => {
    for (const fact of ["2026-01-02 03:04 UTC", "1.5 minutes", "0123456", "18.4", "v1.3.1", "Imaginary 9000"]) {
      expect(page).toContain(`| ${fact} |`);
    }
  });

  test("sums up what was found, over all rows", () => {
    expect(page).toContain("1 of 2 rows hold, with 7,352 calls.");
    expect(page).toContain("| two winners: one fence for two leases, or two results accepted | 0 | 42 |");
    expect(page).toContain("| acknowledged results lost, or replayed otherwise | 2 | 82 |");
    expect(page).toContain("| keys whose calls fit no order | 0 | 105 |");
  });

  test("leaves out of the sum what a row tells and does not judge, and says so", () => {
    const told = { ...VIOLATED, id: "F20", told: ["V7", "porcupine"] };
    const withTold = faultsPage([{ ...REPORT, rows: [HOLDS, told] }]);
    expect(withTold).toContain("| acknowledged results lost, or replayed otherwise | 0 | 66 |");
    expect(withTold).toContain("Not in it is what F20 loses");
  });

  test("has each row, each figure, each control, and what was not run", () => {
    expect(page).toContain("| F01 | kill -9 of a random server | 4 | 7 | 3,676 | 12.50 | 105 | 361 | holds |");
    expect(page).toContain("| **VIOLATED** |\n");
    expect(page).toContain("**F05**: V7: 2 of 16 violate");
    expect(page).toContain("| F01 | served again after | 623.6 | ms | at most 1000 | met |");
    expect(page).toContain("| F05 | crashes | 1 |  | at least 3 | **MISSED** |");
    expect(page).toContain("| F01 | mutant M14 | fails, as it must | V7: 3 of 84 violate |");
    expect(page).toContain("| F23 | all of it through a pooler | left out: pgbouncer is not installed |");
    expect(page).toContain("**could not run**: Error: no port |");
  });

  test("takes the latest of several runs of a row", () => {
    const later = { ...REPORT, startedAt: "2026-01-03T00:00:00.000Z", rows: [{ ...HOLDS, calls: 5 }] };
    const joined = faultsPage([later, REPORT]);
    expect(joined).toContain("| F01 | kill -9 of a random server | 4 | 7 | 5 |");
    expect(joined).toContain("| F05 |");
    expect(joined).toContain("|  | Run 1 | Run 2 |");
  });

  test("in docs/proof is what its reports make", () => {
    for (const [name, content] of proofFiles()) {
      const path = new URL(`../../../../docs/proof/${name}`, import.meta.url);
      expect(existsSync(path) && readFileSync(path, "utf8") === content, `${name}: npm run generate`).toBe(true);
    }
  });
});
