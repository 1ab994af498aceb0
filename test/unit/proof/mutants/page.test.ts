import { expect, test } from "vitest";
import { mutantsPage } from "../../../../proof/mutants/page.ts";
import type { CheckReport, MutantReport, Report } from "../../../../proof/mutants/report.ts";

const VITEST = { layer: "unit", command: 'npx vitest run --project unit test/unit/a.test.ts -t "is held"', ms: 1_250 };
const KILLED = { ...VITEST, verdict: "killed", by: "a lease is held", why: "expected [1]\nat a.ts" } as CheckReport;
const SURVIVED = { ...VITEST, verdict: "survived" } as CheckReport;
const COMMAND = { layer: "crash", command: "node crash.ts 3", ms: 61_000 };
const UNPROVED = { ...COMMAND, verdict: "unproved", why: "no port" } as CheckReport;
const CRASHED = { ...COMMAND, verdict: "killed", by: "crash.ts 3", why: "2 are lost" } as CheckReport;

const mutant = (id: string, ...checks: readonly CheckReport[]): MutantReport => ({
  ...{ id, name: `forgets ${id}`, note: null, files: ["src/a.ts"], isSimulated: false, checks },
});
const report = (...mutants: readonly MutantReport[]): Report => ({
  ...{ date: "2026-01-02", commit: "0123456", node: "v24.21.0", seconds: 61.4, mutants },
});

test("each mutant stands against each kind of check", () => {
  const page = mutantsPage(report(mutant("M1", KILLED, KILLED, CRASHED), mutant("M2", KILLED)));
  expect(page).toContain("2026-01-02, commit 0123456, Node 24.21.0. 2 of 2 mutants killed; of 4 checks");
  expect(page).toContain("|  | what it does | unit | crash |\n");
  expect(page).toContain("| M1 | forgets M1 | killed ×2 | killed |\n| M2 | forgets M2 | killed |  |");
  expect(mutantsPage(structuredClone(report(mutant("M1", KILLED))))).toBe(mutantsPage(report(mutant("M1", KILLED))));
});

test("each check is named by its test or its command, with what it said", () => {
  const page = mutantsPage(report(mutant("M1", KILLED, CRASHED)));
  expect(page).toContain("| M1 | killed | [a](../../test/unit/a.test.ts): a lease is held | 1.3 | expected \\[1\\] |");
  expect(page).toContain("| M1 | killed | `node crash.ts 3` | 61.0 | 2 are lost |");
});

test("what lives, what proved nothing and what has no check stands out", () => {
  const page = mutantsPage(report(mutant("M1", SURVIVED, UNPROVED), mutant("M2")));
  expect(page).toContain("| M1 | forgets M1 | **SURVIVED** | **NOT PROVED** |");
  expect(page).toContain("| M1 | **SURVIVED** | [a](../../test/unit/a.test.ts) | 1.3 |  |");
  expect(page).toContain("| M1 | **NOT PROVED** | `node crash.ts 3` | 61.0 | no port |");
  expect(page).toContain("| M2 | **NO CHECK** |");
});

test("notes stand at the end", () => {
  const noted = { ...mutant("M1", KILLED), note: "seen by no *other* check" };
  expect(mutantsPage(report(noted))).toMatch(/## Notes\n\n\* \*\*M1\*\*: seen by no \\\*other\\\* check\n$/);
});
