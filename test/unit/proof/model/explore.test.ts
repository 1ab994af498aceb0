import { readFile } from "node:fs/promises";
import { describe, expect, test } from "vitest";
import { explore } from "../../../../proof/model/explore.ts";
import { brokenBy, MUTANT_NAMES, MUTANTS } from "../../../../proof/model/mutants.ts";
import { KILLING, SCENARIOS } from "../../../../proof/model/scenarios.ts";
import { TLC_STATES } from "../../../../proof/model/tlc/documented.ts";

const MINUTE_MS = 60_000;

/** What clients are told in each scenario: a promise proves nothing about what is never reached. */
const ANSWERS: Readonly<Record<string, readonly string[]>> = {
  claims: ["LEASE_SUPERSEDED", "acquired", "completed", "ended", "in-progress"],
  retries: ["LEASE_SUPERSEDED", "acquired", "already", "completed", "ended", "in-progress", "reattached"],
  waits: ["acquired", "completed", "ended"],
  ghosts: ["CLAIM_ENDED", "LEASE_SUPERSEDED", "acquired", "already", "completed", "ended", "reattached"],
  crashes: ["LEASE_SUPERSEDED", "acquired", "already", "completed", "ended", "reattached"],
  unknown: ["LEASE_SUPERSEDED", "acquired", "completed", "ended", "in-progress", "outcome-unknown"],
  forgets: ["LEASE_SUPERSEDED", "RECORD_NOT_FOUND", "acquired", "completed", "ended", "in-progress"],
  exhausts: ["RESULT_CONFLICT", "acquired", "completed", "ended", "failed", "settled"],
};

describe("in every order of events of the small model", () => {
  // Fewer or more states than documented are another model: then look at what is different before the number is changed.
  test.each(SCENARIOS.small)(
    "every promise is kept while $scenario.about",
    ({ scenario, ...documented }) => {
      const answers = ANSWERS[scenario.name];
      expect(explore(scenario, null)).toEqual({ ...documented, answers, violation: null, isWhole: true });
    },
    2 * MINUTE_MS,
  );
});

describe("a promise is broken when", () => {
  test.each(MUTANT_NAMES.map((name) => ({ name, what: MUTANTS[name] })))(
    "$name: $what",
    ({ name }) => {
      const { violation } = explore(KILLING[name], name);
      expect(violation?.promise).toBe(brokenBy(name, "explorer"));
    },
    MINUTE_MS,
  );
});

test("a violation comes with a shortest way to it, in words", () => {
  const { violation } = explore(KILLING.M3, "M3");
  expect(violation).toEqual({
    promise: "OnlyHoldersEnd",
    trace: [
      "client 1 claims key 1 at server 1",
      "server 1 reads for the claim of client 1",
      "server 1 inserts for the claim of client 1",
      "a stranger ends key 1",
    ],
  });
});

test("an exploration that is bounded says that it is not whole", () => {
  expect(explore(KILLING.M3, null, 1_000)).toMatchObject({ states: 1_000, violation: null, isWhole: false });
});

test("the page about the model has the counts that both provers are held to", async () => {
  const page = await readFile(new URL("../../../../proof/model/README.md", import.meta.url), "utf8");
  const written = (count: number) => String(count).replaceAll(/\B(?=(\d{3})+$)/g, " ");
  for (const size of ["small", "full"] as const) {
    for (const { scenario, states } of SCENARIOS[size]) expect(page).toContain(`${scenario.name} ${written(states)}`);
    expect(page).toContain(`**${written(SCENARIOS[size].reduce((sum, { states }) => sum + states, 0))} states**`);
    const checked = Object.entries(TLC_STATES[size]);
    for (const [name, states] of checked) expect(page).toContain(`${name} ${written(states)}`);
    expect(page).toContain(`**${written(checked.reduce((sum, [, states]) => sum + states, 0))} states**`);
  }
});
