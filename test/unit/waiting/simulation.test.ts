import { expect, test } from "vitest";
import { BRIEF, CALM, DEAF, STORMY, simulate } from "./simulation.ts";

test.each([
  ["nothing fails and there is no backstop", CALM, 150],
  ["few meet within milliseconds and there is no backstop", BRIEF, 300],
  ["listeners fail and there is no backstop", DEAF, 100],
  ["everything fails and there is one", STORMY, 150],
] as const)("nobody waits longer than may be when %s", async (_name, profile, seeds) => {
  const total = { waits: 0, promotions: 0 };
  for (let seed = 1; seed <= seeds; seed++) {
    const { fault, waits, promotions } = await simulate(seed, profile);
    expect(fault).toBeNull();
    total.waits += waits;
    total.promotions += promotions;
  }
  // Or nothing was tested.
  expect(total.waits).toBeGreaterThan(seeds * 2);
  expect(total.promotions).toBeGreaterThan(seeds / 10);
});

test("the same seed is the same run", async () => {
  const [one, other] = [await simulate(7, STORMY), await simulate(7, STORMY)];
  expect(one).toEqual(other);
});
