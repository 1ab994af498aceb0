import { expect, test } from "vitest";
import type { Check, Mutant } from "../../../../proof/mutants/mutant.ts";
import { checkReport, exitCodeOf, linesOf, mutantReport, summaryOf } from "../../../../proof/mutants/report.ts";
import type { Finding } from "../../../../proof/mutants/run.ts";

const check: Check = { kind: "command", layer: "crash", args: ["look.ts"], shows: /are lost/ };
const mutant: Mutant = {
  id: "M9",
  name: "forgets",
  patches: [{ file: "src/a.ts", find: "a", replace: "b" }],
  killedBy: [check],
};

const found = (...findings: readonly Finding[]) =>
  mutantReport(
    mutant,
    findings.map((finding) => checkReport(check, finding, 1_250)),
  );

const KILLED = found({ kind: "failed", by: "a test", why: "3 are lost" });
const SURVIVED = found({ kind: "failed", by: "a test", why: "3 are lost" }, { kind: "passed" });
const BROKEN = found({ kind: "broken", why: "no test has run" });

test("what kills a mutant is named, with what it said", () => {
  expect(linesOf(KILLED).map((line) => line.trim().replaceAll(/ +/g, " "))).toEqual([
    "M9 forgets",
    "src/a.ts; the like in proof/sim too",
    "crash killed by a test (1.3 s)",
    "3 are lost",
  ]);
});

test("a check that lets a mutant live is told with the command that shows it", () => {
  expect(linesOf(SURVIVED).join("\n")).toContain("SURVIVED node look.ts");
});

test("the exit code tells survivors from checks that proved nothing, and from a mutant without checks", () => {
  expect(exitCodeOf([KILLED])).toBe(0);
  expect(exitCodeOf([KILLED, SURVIVED, BROKEN])).toBe(1);
  expect(exitCodeOf([KILLED, BROKEN])).toBe(2);
  expect(exitCodeOf([KILLED, found()])).toBe(2);
});

test("the summary counts mutants and checks", () => {
  const report = { date: "2026-08-20", node: "v24", seconds: 61.4, mutants: [KILLED, SURVIVED, BROKEN] };
  expect(summaryOf(report)).toBe(
    "2 of 3 mutants killed; of 4 checks 2 have killed theirs, 1 let it live, 1 could not tell; 61 s",
  );
});
