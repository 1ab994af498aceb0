import { describe, expect, test } from "vitest";
import { checkedLine, mutantLine, scenarioLine } from "../../../../proof/model/lines.ts";
import { SCENARIOS } from "../../../../proof/model/scenarios.ts";
import type { Checked } from "../../../../proof/model/tlc/output.ts";

const KEPT: Checked = { generated: 27_739, distinct: 8309, depth: 24, verdict: { kind: "kept" } };
const violated = (promise: string): Checked => ({
  ...KEPT,
  verdict: { kind: "violated", promise, trace: ["Begin", "ClaimRead"] },
});

describe("what TLC has checked is proved", () => {
  test("where every promise is kept in as many states as documented", () => {
    expect(checkedLine("claims", "small", KEPT)).toMatchObject({ isProved: true, said: "every promise kept" });
  });

  test("not where it found another number of states: it is another model", () => {
    expect(checkedLine("claims", "small", { ...KEPT, distinct: 83 })).toMatchObject({
      ...{ isProved: false, isUndecided: false },
      said: "every promise kept, and documented are 8309 states: ANOTHER MODEL",
    });
    expect(checkedLine("spare", "small", KEPT).said).toBe(
      "every promise kept, and no count is documented: ANOTHER MODEL",
    );
  });

  test("not where a promise is broken, or nothing was decided", () => {
    expect(checkedLine("claims", "small", violated("EndsStay"))).toMatchObject({
      ...{ isProved: false, said: "EndsStay IS BROKEN", trace: ["Begin", "ClaimRead"] },
    });
    const failed: Checked = { ...KEPT, verdict: { kind: "failed", why: "no memory" } };
    expect(checkedLine("M3", "mutants", failed)).toMatchObject({ isProved: false, isUndecided: true });
  });
});

describe("a mutant is killed", () => {
  test("by the promise that it names", () => {
    const said = "killed by OnlyHoldersEnd, after 2 steps";
    expect(checkedLine("M3", "mutants", violated("OnlyHoldersEnd"))).toMatchObject({ isProved: true, said });
  });

  test("and not by another one", () => {
    const said = "killed by EndsStay, after 2 steps, BUT IT MUST BREAK OnlyHoldersEnd";
    expect(checkedLine("M3", "mutants", violated("EndsStay"))).toMatchObject({ isProved: false, said });
    const violation = { promise: "EndsStay" as const, trace: ["one", "two"] };
    const explored = { states: 37, steps: 81, depth: 3, answers: [], violation, isWhole: true };
    expect(mutantLine("M3", explored)).toMatchObject({ isProved: false, said });
  });

  test("and lives where every promise is kept", () => {
    expect(checkedLine("M3", "mutants", KEPT)).toMatchObject({ isProved: false, said: "LIVES" });
  });
});

test("an exploration is proved in as many states as documented, and in no other number", () => {
  const [sized] = SCENARIOS.small;
  if (sized === undefined) throw new Error("bug: there is no scenario");
  const { scenario: _, ...counts } = sized;
  const explored = { ...counts, answers: [], violation: null, isWhole: true };
  expect(scenarioLine(sized, explored)).toMatchObject({ isProved: true });
  expect(scenarioLine(sized, { ...explored, states: 1 })).toMatchObject({
    ...{ isProved: false, said: "every promise kept, and documented are 46821 states: ANOTHER MODEL" },
  });
});
