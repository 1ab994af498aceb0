import { expect, test } from "vitest";
import type { Equivalent } from "../../../../proof/stryker/equivalents.ts";
import { changeOf } from "../../../../proof/stryker/instrument.ts";
import { scoreTable, strykerEntry, strykerPage } from "../../../../proof/stryker/page.ts";
import { lineOf, type Report, scoresOf, summaryOf } from "../../../../proof/stryker/report.ts";
import type { Fate, Judged } from "../../../../proof/stryker/run.ts";

const judged = (fate: Fate, what: string, file = "src/a.ts"): Judged => ({
  ...{ id: what, file, line: 2, text: "return a < b;", what, fate },
});
const known = (changes: readonly string[], more: Partial<Equivalent> = {}): Equivalent => ({
  ...{ file: "src/a.ts", line: "return a < b;", changes, why: "the same" },
  ...more,
});
const ALL = [
  judged("killed", "a < b  =>  true"),
  judged("endless", "a < b  =>  false"),
  judged("survived", "a < b  =>  a <= b"),
  judged("survived", "a < b  =>  b > a"),
  judged("unreached", "a  =>  b"),
  judged("killed", '""  =>  "x"', "src/b.ts"),
];

test("what is changed is shown as it was and as it became, with its line; of several lines the first", () => {
  const source = "function f() {\n  return a < b;\n}\n";
  const place = (line: number, column: number) => ({ line, column });
  const mutant = { id: "7", fileName: "src/a.ts", replacement: "a <=\n    b" };
  const one = { start: place(1, 9), end: place(1, 14) };
  expect(changeOf({ ...mutant, location: one }, source)).toEqual({
    ...{ id: "7", file: "src/a.ts", line: 2, text: "return a < b;", what: "a < b  =>  a <= b" },
  });
  const several = { start: place(0, 13), end: place(2, 1) };
  expect(changeOf({ ...mutant, replacement: "{}", location: several }, source).what).toBe("{ …  =>  {}");
});

test("each change counts once: killed, without an end, equivalent or survived", () => {
  const { files, survivors } = scoresOf(ALL, [known(["a < b  =>  b > a"])]);
  expect(files).toEqual([
    { file: "src/a.ts", mutants: 5, killed: 1, timeouts: 1, equivalent: 1, survived: 2 },
    { file: "src/b.ts", mutants: 1, killed: 1, timeouts: 0, equivalent: 0, survived: 0 },
  ]);
  expect(survivors.map(lineOf)).toEqual([
    "src/a.ts:2  a < b  =>  a <= b",
    "src/a.ts:2  a  =>  b  (no test goes through it)",
  ]);
  expect(summaryOf({ files })).toBe("of 6 changes the tests noticed 3, 1 make no difference, 2 survived: 60 %");
});

test.each([
  ["was noticed", known(["a < b  =>  true"])],
  ["is none", known(["a < b  =>  a <= b", "a < b  =>  c"])],
  ["is of another line", known(["a < b  =>  a <= b"], { line: "return a > b;" })],
])("an explanation of a change that %s is an error, which names it", (_, equivalent) => {
  expect(() => scoresOf(ALL, [equivalent])).toThrow(/equivalents\.ts: no change ".*" of the line ".*" of src\/a\.ts/);
});

test("explanations for files that were not changed say nothing", () => {
  const elsewhere = known(["a  =>  b"], { file: "src/c.ts" });
  expect(scoresOf(ALL, [elsewhere]).equivalents).toEqual([]);
});

test("the page has a line for each file, one for all, what survived and what makes no difference", () => {
  const report: Report = {
    ...{ startedAt: "2026-01-02T03:04:05.000Z", seconds: 90, commit: "abc", node: "v24.0.0" },
    ...scoresOf(ALL, [known(["a < b  =>  b > a"])]),
  };
  expect(scoreTable(report.files).split("\n").slice(2)).toEqual([
    "| src/a.ts | 5 | 1 | 1 | 1 | 2 |",
    "| src/b.ts | 1 | 1 | 0 | 0 | 0 |",
    "| **all** | 6 | 2 | 1 | 1 | 2 |",
  ]);
  const page = strykerPage(report);
  expect(page).toContain("2026-01-02, commit abc, Node 24.0.0, 1.5 minutes: of 6 changes the tests noticed 3");
  expect(page).toContain("| src/a.ts:2 | a =&gt; b | no test goes through it |".replaceAll("&gt;", ">"));
  expect(page).toContain("| src/a.ts: return a &lt; b; | a &lt; b => b > a | the same |");
  expect(strykerEntry(report).found).toBe("Of 6 changes the tests noticed 3, 1 make no difference, 2 survived: 60 %.");
});
