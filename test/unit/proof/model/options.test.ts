import { expect, test } from "vitest";
import { parseOptions } from "../../../../proof/model/options.ts";
import { exitCodeOf, type Line, lineText, sumText } from "../../../../proof/model/report.ts";

test("without a flag both run, in the small size, without mutants", () => {
  expect(parseOptions([])).toEqual({
    kind: "run",
    options: { size: "small", by: ["explorer", "tlc"], mutants: false, json: false, trace: false },
  });
});

test("flags choose the size, who is asked, and what is said", () => {
  expect(parseOptions(["--size", "full", "--only", "tlc", "--mutants", "--json", "--trace"])).toEqual({
    kind: "run",
    options: { size: "full", by: ["tlc"], mutants: true, json: true, trace: true },
  });
  expect(parseOptions(["-h"])).toEqual({ kind: "help" });
});

test.each([
  [["--size", "huge"], "--size takes small or full"],
  [["--only", "spin"], "--only takes explorer or tlc"],
  [["--depth"], "Unknown option '--depth'; the flags are --size, --mutants, --only, --trace, --json, --help"],
])("%j is refused with what is allowed", (args, why) => {
  expect(parseOptions(args)).toEqual({ kind: "refused", why });
});

const KEPT: Line = {
  ...{ by: "explorer", name: "claims", isMutant: false, states: 46_821, steps: 153_542, depth: 24, seconds: 1.94 },
  ...{ isProved: true, isUndecided: false, said: "every promise kept", trace: [] },
};
const exit = (lines: readonly Line[], withoutTlc: string | null = null) =>
  exitCodeOf({ size: "small", lines, withoutTlc });

test("it ends with 0 when all is proved, with 1 when something is not, with 2 when that is not known", () => {
  expect(exit([KEPT])).toBe(0);
  expect(exit([KEPT, { ...KEPT, isProved: false }])).toBe(1);
  expect(exit([KEPT, { ...KEPT, isProved: false, isUndecided: true }])).toBe(2);
});

test("without TLC the explorer's word is taken, and without either nothing is proved", () => {
  expect(exit([KEPT], "there is no java on the path")).toBe(0);
  expect(exit([], "there is no java on the path")).toBe(2);
});

test("a line says how much was tried, and the sum what came of it", () => {
  expect(lineText(KEPT)).toBe(
    "  claims           46,821 states     153,542 steps  depth 24     1.9 s  every promise kept",
  );
  const mutant = { ...KEPT, isMutant: true, states: 9 };
  expect(sumText([KEPT, KEPT, mutant, { ...mutant, isProved: false }])).toBe(
    "  93,642 states in 2 scenarios, promises kept in 2; 1 of 2 mutants killed",
  );
});
